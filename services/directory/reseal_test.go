package directory_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/directory"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
)

// addSealed adds a user whose address is sealed under a key.
func addSealed(t *testing.T, store *directorystore.Store, name string, key *seal.Keyring) {
	t.Helper()
	sealed, err := key.Seal("s3cret-"+name, "label")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.AddUser(t.Context(), directory.User{Nickname: name, Addresses: []directory.Address{{Messenger: "label", SealedCredential: sealed, Destination: "x"}}}); err != nil {
		t.Fatal(err)
	}
}

func TestCheckSealKey(t *testing.T) {
	store, key := openDirectory(t)
	_, other := openDirectory(t)
	check := func(key *seal.Keyring) (string, error) {
		var logged bytes.Buffer
		err := directory.CheckSealKey(t.Context(), store, key, slog.New(slog.NewTextHandler(&logged, nil)))
		return logged.String(), err
	}
	if logged, err := check(other); logged != "" || err != nil {
		t.Errorf("an empty directory: %v, %s", err, logged)
	}
	addSealed(t, store, "kim", key)
	if logged, err := check(key); logged != "" || err != nil {
		t.Errorf("its key: %v, %s", err, logged)
	}
	_, err := check(other)
	if err == nil || !strings.Contains(err.Error(), other.String()) || !strings.Contains(err.Error(), key.Primary().String()) || !strings.Contains(err.Error(), "--seal-key-file") {
		t.Errorf("another key: %v", err)
	}
	addSealed(t, store, "lee", other)
	if logged, err := check(key); err != nil || !strings.Contains(logged, other.Primary().String()) || !strings.Contains(logged, "addresses=1") {
		t.Errorf("one of two: %v, %s", err, logged)
	}
}

// TestReseal rotates the seal key of a directory with many addresses, one of which
// is sealed under a lost key. Two concurrent runs reseal all others, and no credential
// changes.
func TestReseal(t *testing.T) {
	store, key := openDirectory(t)
	_, lost := openDirectory(t)
	const many = 1200
	var users []directory.User
	for i := range many {
		by := key
		if i == 700 {
			by = lost
		}
		sealed, err := by.Seal(fmt.Sprint("s3cret-", i), "label")
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, directory.User{Nickname: fmt.Sprint("u", i), Addresses: []directory.Address{{Messenger: "label", SealedCredential: sealed, Destination: "x"}}})
	}
	if _, err := store.Fill(t.Context(), directory.Snapshot{Users: users}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{}, 2)
	for range 2 {
		go func() {
			directory.RunReseal(ctx, store, key, slog.New(slog.DiscardHandler))
			stopped <- struct{}{}
		}()
	}
	id, err := sealkey.Format.RotateKeyFile(key.String(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// The goroutines may have reloaded the file before: they do at the lost key.
	if _, err := key.Reload(); err != nil || key.Primary() != id {
		t.Fatalf("sealing under %s, not %s: %v", key.Primary(), id, err)
	}
	deadline := time.After(30 * time.Second)
	for left := many; left > 1; {
		some, err := store.SealedUnderOtherKeys(t.Context(), id.Prefix(), 0, many)
		if err != nil {
			t.Fatal(err)
		}
		left = len(some)
		select {
		case <-deadline:
			t.Fatalf("%d addresses are not resealed", left)
		default:
		}
	}
	stop()
	<-stopped
	<-stopped
	all, err := store.Users(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range all {
		a := u.Addresses[0]
		by := key
		if i == 700 {
			by = lost
		}
		if secret, err := by.OpenForOwner(a.SealedCredential, seal.Owner{Name: u.Nickname, Service: "label", Address: "x"}); err != nil || secret != fmt.Sprint("s3cret-", i) {
			t.Errorf("%s: %v", u.Nickname, err)
		}
	}
	if by, _ := seal.KeyIDOf(all[700].Addresses[0].SealedCredential); by != lost.Primary() {
		t.Errorf("a credential that cannot be opened was resealed, under %s", by)
	}
}

// TestCanary proves that a keyring of the same file passes, rotated or not, and that
// the error for another one names both keys.
func TestCanary(t *testing.T) {
	_, key := openDirectory(t)
	_, other := openDirectory(t)
	text, err := os.ReadFile(key.String())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	old, err := sealkey.Format.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	canary, err := key.Canary()
	if err != nil {
		t.Fatal(err)
	}
	if err := old.CheckCanary(canary); err != nil {
		t.Errorf("a copy: %v", err)
	}
	if err := other.CheckCanary(canary); err == nil || !strings.Contains(err.Error(), other.String()) || !strings.Contains(err.Error(), key.Primary().String()) {
		t.Errorf("another: %v", err)
	}
	if err := key.CheckCanary(nil); err == nil {
		t.Error("an empty canary passes")
	}
	if _, err := sealkey.Format.RotateKeyFile(path, time.Now()); err != nil {
		t.Fatal(err)
	}
	if changed, err := old.Reload(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if err := old.CheckCanary(canary); err != nil {
		t.Errorf("a rotated copy: %v", err)
	}
	newer, err := old.Canary()
	if err != nil {
		t.Fatal(err)
	}
	if err := key.CheckCanary(newer); err == nil {
		t.Error("an outdated copy passes")
	}
}
