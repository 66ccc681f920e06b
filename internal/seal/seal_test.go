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

	"github.com/bongsu-project/bongsu/internal/seal"
)

func makeKey(t *testing.T, path string) *seal.Key {
	t.Helper()
	if err := seal.MakeKey(path); err != nil {
		t.Fatal(err)
	}
	key, err := seal.ReadKey(path)
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
		t.Error("sealed bytes tell of the secret")
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
			if err := seal.MakeKey(path); err != nil {
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
		t.Error("a key that is there was overwritten")
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
	if _, err := seal.ReadKey(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	path := filepath.Join(dir, "broken")
	if err := os.WriteFile(path, []byte(`{"key":"AAAA-secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.ReadKey(path); err == nil || strings.Contains(err.Error(), "AAAA") {
		t.Errorf("broken: %v", err)
	}
}
