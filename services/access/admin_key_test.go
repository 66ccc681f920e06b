package access_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
)

// holds checks that the file at path holds the only key of a store.
func holds(t *testing.T, keys access.Keys, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	kittest.NoError(t, err)
	id, secret, ok := auth.ParseKey(strings.TrimSuffix(string(text), "\n"))
	if !ok {
		t.Fatal("the file holds no API key")
	}
	all, err := keys.Keys(t.Context(), "", 10)
	kittest.NoError(t, err)
	kittest.Equal(t, all, []access.Key{{ID: id, SecretHash: auth.HashSecret(secret), Name: "first admin", Role: "admin", CreateTime: now}})
}

func TestAdminKey(t *testing.T) {
	s, path := openStore(t), filepath.Join(t.TempDir(), "admin.key")
	for _, want := range []bool{true, false} {
		created, err := access.CreateAdminKey(t.Context(), s, path, now)
		kittest.NoError(t, err)
		kittest.Equal(t, created, want)
		holds(t, s, path)
	}
	info, err := os.Stat(path)
	kittest.NoError(t, err)
	kittest.Equal(t, info.Mode().Perm(), fs.FileMode(0o600))
	left, err := os.ReadDir(filepath.Dir(path))
	kittest.NoError(t, err)
	kittest.Equal(t, len(left), 1)

	// A store with a key gets no second one, even if the file is gone.
	kittest.NoError(t, os.Remove(path))
	created, err := access.CreateAdminKey(t.Context(), s, path, now)
	kittest.NoError(t, err)
	kittest.Equal(t, created, false)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of a key that is not stored: %v", err)
	}
}

// TestAdminKeyAfterCrash stores the key of a file that a process left before it stored the key.
func TestAdminKeyAfterCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.key")
	_, err := access.CreateAdminKey(t.Context(), openStore(t), path, now)
	kittest.NoError(t, err)
	s := openStore(t)
	created, err := access.CreateAdminKey(t.Context(), s, path, now)
	kittest.NoError(t, err)
	kittest.Equal(t, created, true)
	holds(t, s, path)
}

func TestAdminKeyFileWithoutKey(t *testing.T) {
	s, path := openStore(t), filepath.Join(t.TempDir(), "admin.key")
	kittest.NoError(t, os.WriteFile(path, []byte("s3cret\n"), 0o600))
	_, err := access.CreateAdminKey(t.Context(), s, path, now)
	if err == nil || !strings.Contains(err.Error(), "holds no API key: delete it") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error is %v", err)
	}
}

// TestAdminKeyAtOnce starts processes with folders of their own, two on each, on one store: one key
// is stored, and only its file is left.
func TestAdminKeyAtOnce(t *testing.T) {
	s := openStore(t)
	folders := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	for _, err := range kittest.Concurrently(2*len(folders), func(i int) error {
		_, err := access.CreateAdminKey(t.Context(), s, filepath.Join(folders[i/2], "admin.key"), now)
		return err
	}) {
		kittest.NoError(t, err)
	}
	files := 0
	for _, folder := range folders {
		if path := filepath.Join(folder, "admin.key"); kittest.ErrorOf(os.Stat(path)) == nil {
			files++
			holds(t, s, path)
		}
	}
	kittest.Equal(t, files, 1)
}
