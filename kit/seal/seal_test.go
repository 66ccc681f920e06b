package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/seal"
)

func makeKey(t *testing.T, path string) *seal.Keyring {
	t.Helper()
	if err := library.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	key, err := library.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSealed(t *testing.T) {
	dir := t.TempDir()
	key, other := makeKey(t, filepath.Join(dir, "a")), makeKey(t, filepath.Join(dir, "b"))
	sealed, err := key.Seal("xoxb-secret", "slack")
	if err != nil {
		t.Fatal(err)
	}
	again, err := key.Seal("xoxb-secret", "slack")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("xoxb")) || bytes.Equal(sealed, again) {
		t.Error("sealed bytes reveal the secret")
	}
	if secret, err := key.Open(sealed, "slack"); err != nil || secret != "xoxb-secret" {
		t.Errorf("opened as %q, %v", secret, err)
	}
	damaged := bytes.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for name, open := range map[string]func() (string, error){
		"another key":     func() (string, error) { return other.Open(sealed, "slack") },
		"another purpose": func() (string, error) { return key.Open(sealed, "telegram") },
		"damaged":         func() (string, error) { return key.Open(damaged, "slack") },
		"empty":           func() (string, error) { return key.Open(nil, "slack") },
	} {
		if secret, err := open(); err == nil || secret != "" || strings.Contains(err.Error(), "xoxb") {
			t.Errorf("%s: %q, %v", name, secret, err)
		}
	}
}

func TestMakeKeyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := library.CreateKeyFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	makeKey(t, path)
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("an existing key was overwritten")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestReadKeyRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := library.ReadKeyFile(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	path := filepath.Join(dir, "broken")
	if err := os.WriteFile(path, []byte(`{"key":"AAAA-secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := library.ReadKeyFile(path); err == nil || strings.Contains(err.Error(), "AAAA") {
		t.Errorf("broken: %v", err)
	}
}

// TestFingerprint proves that a fingerprint depends on the key and on each part with
// its boundaries.
func TestFingerprint(t *testing.T) {
	keys := make([]*seal.Keyring, 2)
	for i := range keys {
		path := filepath.Join(t.TempDir(), "seal.key")
		if err := library.CreateKeyFile(path); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second one is as of another process
			key, err := library.ReadKeyFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if keys[i] != nil && keys[i].Fingerprint("slack", "x") != key.Fingerprint("slack", "x") {
				t.Error("the same key returns another fingerprint")
			}
			keys[i] = key
		}
	}
	seen := map[string]string{}
	for name, f := range map[string]string{
		"parts":       keys[0].Fingerprint("slack", "xoxb-1", "C1"),
		"a part more": keys[0].Fingerprint("slack", "xoxb-1", "C1", ""),
		"other cut":   keys[0].Fingerprint("slack", "xoxb-1C1", ""),
		"other value": keys[0].Fingerprint("slack", "xoxb-2", "C1"),
		"other key":   keys[1].Fingerprint("slack", "xoxb-1", "C1"),
	} {
		if len(f) != 32 || strings.Trim(f, "0123456789abcdef") != "" || seen[f] != "" {
			t.Errorf("%s: fingerprint %q is equal to that of %q", name, f, seen[f])
		}
		seen[f] = name
	}
}
