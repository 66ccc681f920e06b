package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/bongsu-project/bongsu/kit/seal"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// oldKey writes a seal key file in the first format, without fingerprint key: a Tink
// keyset alone.
func oldKey(t *testing.T) (path string) {
	t.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "seal.key")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKeyFile(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "seal.key")
	if err := library.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) *seal.Keyring {
	t.Helper()
	key, err := library.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rotate(t *testing.T, path string, at time.Time) seal.KeyID {
	t.Helper()
	id, err := library.RotateKeyFile(path, at)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sealed(t *testing.T, key *seal.Keyring, secret string) []byte {
	t.Helper()
	b, err := key.Seal(secret, "slack")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opens fails the test unless the key opens a sealed secret.
func opens(t *testing.T, key *seal.Keyring, sealed []byte, want string) {
	t.Helper()
	if got, err := key.Open(sealed, "slack"); err != nil || got != want {
		t.Errorf("opened as %q, %v", got, err)
	}
}

// TestRotate rotates files of both formats twice: the newest file opens all
// secrets, and fingerprints and mode stay the same.
func TestRotate(t *testing.T) {
	for name, path := range map[string]string{"a file of today": newKeyFile(t), "an old file": oldKey(t)} {
		t.Run(name, func(t *testing.T) {
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
			first := read(t, path)
			fingerprint := first.Fingerprint("slack", "xoxb-1")
			one := sealed(t, first, "xoxb-1")
			ids := []seal.KeyID{first.Primary()}
			for n := range 2 {
				id := rotate(t, path, noon.Add(time.Duration(n)*time.Hour))
				ids = append(ids, id)
				key := read(t, path)
				if key.Primary() != id || slices.Contains(ids[:len(ids)-1], id) {
					t.Errorf("%s seals after %s was added to %v", key.Primary(), id, ids)
				}
				if got := key.Fingerprint("slack", "xoxb-1"); got != fingerprint {
					t.Errorf("fingerprint was %s and is %s", fingerprint, got)
				}
				opens(t, key, one, "xoxb-1")
				two := sealed(t, key, "xoxb-2")
				if got, ok := seal.KeyIDOf(two[:seal.PrefixSize]); !ok || got != id || !bytes.Equal(two[1:seal.PrefixSize], id.Prefix()[1:]) {
					t.Errorf("sealed under %s, %v; want %s", got, ok, id)
				}
				opens(t, first, two, "xoxb-2") // it reloads the file
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			entries, err := library.ListKeys(path)
			if err != nil || len(entries) != 3 {
				t.Fatalf("%+v, %v", entries, err)
			}
			for i, e := range entries {
				if e.ID != ids[i] || e.Primary != (i == 2) {
					t.Errorf("entry %d: %+v", i, e)
				}
			}
			if e := entries[1]; !e.CreateTime.Equal(noon) || !e.ReplaceTime.Equal(noon.Add(time.Hour)) {
				t.Errorf("the second: %+v", e)
			}
			if e := entries[0]; !e.ReplaceTime.Equal(noon) || e.CreateTime.IsZero() != (name == "an old file") {
				t.Errorf("the first: %+v", e)
			}
		})
	}
}

// TestRotateAtOnce proves that concurrent rotations lose no key.
func TestRotateAtOnce(t *testing.T) {
	path := newKeyFile(t)
	var added []seal.KeyID
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			id, err := library.RotateKeyFile(path, noon)
			if err != nil && !strings.Contains(err.Error(), "is being changed") {
				t.Error(err)
			}
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				added = append(added, id)
			}
		})
	}
	wg.Wait()
	key := read(t, path)
	for _, id := range added {
		if !key.Has(id) {
			t.Errorf("key %s was added and is missing", id)
		}
	}
	if len(added) == 0 {
		t.Error("none was added")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestRotateByLink rotates a file behind a symbolic link, as mounted secrets are: the
// link stays.
func TestRotateByLink(t *testing.T) {
	path := newKeyFile(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	id := rotate(t, link, noon)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
	if got := read(t, path).Primary(); got != id {
		t.Errorf("%s seals, want %s", got, id)
	}
}

func TestPrune(t *testing.T) {
	path := newKeyFile(t)
	first := read(t, path)
	fingerprint, old := first.Fingerprint("x"), sealed(t, first, "xoxb-1")
	rotate(t, path, noon)
	if err := library.PruneKeyFile(path, []seal.KeyID{read(t, path).Primary()}); err == nil {
		t.Error("the primary was removed")
	}
	if err := library.PruneKeyFile(path, []seal.KeyID{first.Primary()}); err != nil {
		t.Fatal(err)
	}
	key := read(t, path)
	if _, err := key.Open(old, "slack"); !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), first.Primary().String()) {
		t.Errorf("error is %v", err)
	}
	if key.Fingerprint("x") != fingerprint {
		t.Error("fingerprint changed")
	}
	opens(t, key, sealed(t, key, "xoxb-2"), "xoxb-2")
}

// TestFollow proves that a process loads added keys, and keeps the loaded ones if the
// file is replaced, unreadable or too open.
func TestFollow(t *testing.T) {
	path := newKeyFile(t)
	key := read(t, path)
	var log bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() {
		key.WatchFile(ctx, time.Millisecond, slog.New(slog.NewTextHandler(&log, nil)))
		close(followed)
	}()
	changed := key.Changed()
	id := rotate(t, path, noon)
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Fatal("no key was loaded")
	}
	if key.Primary() != id {
		t.Errorf("%s seals, want %s", key.Primary(), id)
	}
	stop()
	<-followed
	if !strings.Contains(log.String(), id.String()) {
		t.Errorf("logged: %s", &log)
	}

	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(newKeyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]struct {
		text     []byte
		mode     fs.FileMode
		wantText string
	}{
		"another":     {other, 0o600, "another seal key"},
		"cut off":     {good[:len(good)/2], 0o600, "holds no seal key"},
		"empty":       {nil, 0o600, "holds no seal key"},
		"open to all": {append(good, '\n'), 0o644, "chmod 600"},
	} {
		if err := errors.Join(os.WriteFile(path, bad.text, 0o600), os.Chmod(path, bad.mode)); err != nil {
			t.Fatal(err)
		}
		if changed, err := key.Reload(); changed || err == nil || !strings.Contains(err.Error(), bad.wantText) {
			t.Errorf("%s: changed is %v, error %v", name, changed, err)
		}
		if key.Primary() != id {
			t.Errorf("%s: %s seals", name, key.Primary())
		}
	}
}

// TestEnvironment proves that the content of a file can be set in the environment, also
// in base64.
func TestEnvironment(t *testing.T) {
	for name, path := range map[string]string{"a file of today": newKeyFile(t), "an old file": oldKey(t)} {
		key := read(t, path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for form, value := range map[string]string{
			"JSON":           strings.TrimSpace(string(text)),
			"base64":         base64.StdEncoding.EncodeToString(text),
			"base64 wrapped": base64.StdEncoding.EncodeToString(text)[:40] + "\n" + base64.StdEncoding.EncodeToString(text)[40:] + "\n",
		} {
			keys, err := library.ParseKeyring(value, "LIBRARY_SEAL_KEY")
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			opens(t, keys, sealed(t, key, "xoxb-1"), "xoxb-1")
			if keys.Fingerprint("x") != key.Fingerprint("x") {
				t.Errorf("%s, %s: another fingerprint", name, form)
			}
			if changed, err := keys.Reload(); changed || err != nil {
				t.Errorf("%s, %s: reloaded: %v, %v", name, form, changed, err)
			}
		}
	}
	for _, bad := range []string{"", "secret-AAAA", "{", base64.StdEncoding.EncodeToString([]byte("secret-AAAA"))} {
		if _, err := library.ParseKeyring(bad, "LIBRARY_SEAL_KEY"); err == nil || !strings.Contains(err.Error(), "LIBRARY_SEAL_KEY") || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := library.ParseKeyring(`{"librarySealKey":2}`, "LIBRARY_SEAL_KEY"); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a newer form: %v", err)
	}
}

func TestModes(t *testing.T) {
	path := newKeyFile(t)
	for mode, taken := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o440: true, 0o644: false, 0o660: false, 0o604: false, 0o606: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := library.ReadKeyFile(path); (err == nil) != taken || err != nil && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%#o: %v", mode, err)
		}
	}
}

// TestExportPurpose proves that no two addresses share an export purpose.
func TestExportPurpose(t *testing.T) {
	seen := map[string]bool{}
	for _, of := range [][3]string{{"kim", "slack", "C1"}, {"kim", "slack", "C2"}, {"lee", "slack", "C1"}, {"kim", "ntfy", "C1"}, {"kim", "slackC", "1"}} {
		p := seal.ExportPurpose(of[0], of[1], of[2])
		if seen[p] || p == of[1] {
			t.Errorf("%v shares its purpose", of)
		}
		seen[p] = true
	}
}
