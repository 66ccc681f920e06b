package auth_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/livefile"
)

var (
	oldPeerKey = strings.Repeat("a", 32)
	newPeerKey = strings.Repeat("b", 64)
)

// openPeerKeys returns the keys of a new file with a text, and functions that replace the text and
// advance the clock.
func openPeerKeys(t *testing.T, text string) (keys *auth.PeerKeys, replace func(string), err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "internal.key")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	var now atomic.Int64
	keys, err = auth.OpenPeerKeys(path, func() time.Time { return time.Unix(0, now.Load()) }, slog.New(slog.DiscardHandler))
	return keys, func(text string) {
		t.Helper()
		write(text)
		now.Add(int64(livefile.CheckInterval))
	}, err
}

// TestPeerKeyRotation replaces a key as operators do: both are accepted meanwhile.
func TestPeerKeyRotation(t *testing.T) {
	keys, replace, err := openPeerKeys(t, oldPeerKey+"\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		file, first  string
		older, newer bool
	}{
		{oldPeerKey, oldPeerKey, true, false},
		{oldPeerKey + "\n" + newPeerKey + "\n", oldPeerKey, true, true},
		{"# since March\r\n" + newPeerKey + "\r\n\r\n" + oldPeerKey, newPeerKey, true, true},
		{newPeerKey + "\n", newPeerKey, false, true},
		{"", newPeerKey, false, true}, // the last good file stays
	} {
		replace(step.file)
		if keys.Has(oldPeerKey) != step.older || keys.Has(newPeerKey) != step.newer || keys.First() != step.first {
			t.Errorf("%q: accepts the old key %t, the new one %t, sends %q", step.file, keys.Has(oldPeerKey), keys.Has(newPeerKey), keys.First())
		}
	}
	for _, wrong := range []string{"", newPeerKey[1:], newPeerKey + "b", newPeerKey + "\n", strings.ToUpper(newPeerKey), "# since March"} {
		if keys.Has(wrong) {
			t.Errorf("%q is accepted", wrong)
		}
	}
}

func TestMalformedPeerKeys(t *testing.T) {
	for name, text := range map[string]string{
		"empty":       "",
		"no key":      "# nothing\n\n",
		"short":       oldPeerKey[1:],
		"long":        strings.Repeat("a", 513),
		"white space": oldPeerKey + " " + oldPeerKey,
		"not ASCII":   strings.Repeat("한", 32),
		"many":        strings.Repeat(oldPeerKey+"\n", 17),
	} {
		if _, _, err := openPeerKeys(t, text); err == nil || strings.Contains(err.Error(), "aaaaa") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPeerKeyFileMode refuses a file that others may read.
func TestPeerKeyFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing there")
	}
	path := filepath.Join(t.TempDir(), "internal.key")
	if err := os.WriteFile(path, []byte(oldPeerKey), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o440: false, 0o644: true, 0o620: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.OpenPeerKeys(path, time.Now, slog.New(slog.DiscardHandler)); (err != nil) != refused || err != nil && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %#o: %v", mode, err)
		}
	}
}
