package app

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/mockup"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
	monitorstore "github.com/bongsu-project/bongsu/services/monitor/store"
)

// startOnce starts the whole service and stops it again.
func startOnce(t *testing.T, data string, demo bool) error {
	t.Helper()
	a, err := New(t.Context(), Config{
		Services: []string{"all", Mockup}, Data: data, Directory: directory.Config{DemoData: demo},
		Edge: edge.Config{Addr: "127.0.0.1:0"}, Mockup: mockup.Config{Addr: "127.0.0.1:0"},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	return a.Run(ctx)
}

// noKey checks that a start fails with an error that the seal key is missing and counts
// the sealed credentials, and that no key is created.
func noKey(t *testing.T, data, wantText string) {
	t.Helper()
	path := filepath.Join(data, "seal.key")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := startOnce(t, data, false)
		if err == nil || !strings.Contains(err.Error(), "no seal key at "+path) || !strings.Contains(err.Error(), wantText) {
			t.Errorf("start: error %v", err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a new key exists: %v", err)
		}
		if left, err := filepath.Glob(filepath.Join(data, ".seal-*")); err != nil || len(left) > 0 {
			t.Errorf("remaining files %q, %v", left, err)
		}
	}
}

// TestLostKeyIsNotReplaced checks that a start without the key creates no other one if
// credentials are sealed: it would open none of them and hide the loss.
func TestLostKeyIsNotReplaced(t *testing.T) {
	t.Run("addresses", func(t *testing.T) {
		data := t.TempDir()
		if err := startOnce(t, data, true); err != nil {
			t.Fatal(err)
		}
		noKey(t, data, "9 addresses, 0 deliveries")
	})
	t.Run("deliveries", func(t *testing.T) {
		data := t.TempDir()
		if err := startOnce(t, data, false); err != nil {
			t.Fatal(err)
		}
		store, err := ledger.Open(t.Context(), filepath.Join(data, "ledger.db"), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		ds := []alert.Delivery{{Nickname: "kim", Messenger: "slack", SealedCredential: []byte("\x02\x00\x00\x00\x01 sealed"), Destination: "C1", State: alert.Queued}}
		a := alert.Alert{Targets: []string{"@kim"}, Message: "m", CreateTime: now, ExpireTime: now.Add(time.Hour)}
		if _, err := store.AddAlert(t.Context(), a, ds, now); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		noKey(t, data, "0 addresses, 1 deliveries")
	})
	t.Run("monitors", func(t *testing.T) {
		data := t.TempDir()
		if err := startOnce(t, data, false); err != nil {
			t.Fatal(err)
		}
		store, err := monitorstore.Open(t.Context(), filepath.Join(data, "monitor.db"))
		if err != nil {
			t.Fatal(err)
		}
		now, sealed := time.Now(), base64.StdEncoding.EncodeToString([]byte("\x02\x00\x00\x00\x01 sealed"))
		settings := monitor.Settings{Name: "shop", Interval: time.Minute, Check: &probe.HTTP{URL: "https://example.com", Headers: []probe.Header{{Name: "Authorization", Value: sealed}}}}
		if _, err := store.Create(t.Context(), monitor.Monitor{Settings: settings, CreateTime: now, UpdateTime: now}); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		noKey(t, data, "and 1 monitors are sealed")
	})
}

// TestLeftoversOfTheKeyAreSwept checks that a start removes old temporary files of the
// seal key.
func TestLeftoversOfTheKeyAreSwept(t *testing.T) {
	data := t.TempDir()
	old, young := filepath.Join(data, ".seal-1"), filepath.Join(data, ".seal-2")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-2 * seal.LeftoverAge)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	if err := startOnce(t, data, false); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(data, ".seal-*")); err != nil || len(left) != 1 || left[0] != young {
		t.Errorf("remaining files %q, %v", left, err)
	}
}
