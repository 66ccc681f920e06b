package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// adminKeyName is the name of the key in the admin key file.
const adminKeyName = "first admin"

// CreateAdminKey writes a new API key with role admin to the file at path, with mode 0600, and
// stores it, if the store has no key at all; it reports whether it did. A key that the file holds
// already is stored in place of a new one, so that an interrupted call can be repeated. Of
// processes that share a store, one creates the key; the others leave no file behind.
func CreateAdminKey(ctx context.Context, keys Keys, path string, now time.Time) (created bool, err error) {
	existing, err := keys.Keys(ctx, "", 1)
	if err != nil || len(existing) > 0 {
		return false, err
	}
	text, written, err := readOrWriteKey(path)
	if err != nil {
		return false, fmt.Errorf("admin key file: %w", err)
	}
	id, secret, ok := auth.ParseKey(text)
	if !ok {
		return false, fmt.Errorf("admin key file: %s holds no API key: delete it, and a new one is written", path)
	}
	created, err = keys.AddFirstKey(ctx, Key{ID: id, SecretHash: auth.HashSecret(secret), Name: adminKeyName, Role: string(role.Admin), CreateTime: now})
	if err != nil || created || !written {
		return created, err
	}
	// Another process was first: with a key of its own, or with that of this file.
	if _, err := keys.Key(ctx, id); !errors.Is(err, fault.ErrNotFound) {
		return false, err
	}
	return false, os.Remove(path)
}

// readOrWriteKey returns the key in the file at path. It writes a new one, and reports that, if the
// file is missing.
func readOrWriteKey(path string) (text string, written bool, err error) {
	for {
		if text, err = readKey(path); !errors.Is(err, fs.ErrNotExist) {
			return text, false, err
		}
		if _, text, _, err = auth.NewKey(); err != nil {
			return "", false, err
		}
		// Another process may write the file meanwhile, and remove it again.
		if err = writeSecret(path, text+"\n"); !errors.Is(err, fs.ErrExist) {
			return text, err == nil, err
		}
	}
}

func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

// writeSecret creates a file with mode 0600, on disk and as a whole, or returns fs.ErrExist.
func writeSecret(path, text string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	_ = folder.Sync() // some systems cannot
	return folder.Close()
}
