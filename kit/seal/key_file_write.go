package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// CreateKeyFile creates a seal key file with a new key at path, atomically and with mode
// 0600. If the file exists, even if another process created it just now, it is kept and
// no error is returned: ReadKeyFile reads the file that won.
func (n FileFormat) CreateKeyFile(path string) error {
	f, err := n.newFile(time.Now())
	if err != nil {
		return err
	}
	return f.write(path, 0o600, func(temporary string) error {
		if err := os.Link(temporary, path); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// RotateKeyFile adds a new key to the file at path, makes it the primary, and returns its id.
// The existing keys stay, and open. Mode and owner of the file stay.
func (n FileFormat) RotateKeyFile(path string, now time.Time) (added KeyID, err error) {
	err = n.updateKeyFile(path, func(f *keyFile, m *keyset.Manager) (err error) {
		added, err = f.addKey(m, now)
		return err
	})
	return added, err
}

// PruneKeyFile removes keys from the file at path. It returns an error for the primary.
// Secrets sealed under removed keys can never be opened again.
func (n FileFormat) PruneKeyFile(path string, ids []KeyID) error {
	return n.updateKeyFile(path, func(f *keyFile, m *keyset.Manager) error { return f.removeKeys(m, ids) })
}

// updateKeyFile updates the file at path atomically, under its lock file.
func (n FileFormat) updateKeyFile(path string, how func(*keyFile, *keyset.Manager) error) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("read seal key file: %w", err)
	}
	unlock, err := lockKeyFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	text, err := readFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read seal key file: %w", err)
	}
	f, err := n.parse(text, path)
	if err != nil {
		return err
	}
	if err := how(f, keyset.NewManagerFromHandle(f.handle)); err != nil {
		return err
	}
	return f.write(path, info.Mode().Perm(), func(temporary string) error {
		if err := copyFileOwner(temporary, info); err != nil {
			return fmt.Errorf("file owner would change, run as that user: %w", err)
		}
		return os.Rename(temporary, path)
	})
}

// lockKeyFile creates the lock file of the file at path; unlock removes it.
func lockKeyFile(path string) (unlock func() error, err error) {
	name := path + ".lock"
	held, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("lock file %s exists: the seal key file is being changed; remove the lock file if it is stale", name)
	}
	if err != nil {
		return nil, fmt.Errorf("lock seal key file: %w", err)
	}
	return func() error { return errors.Join(held.Close(), os.Remove(name)) }, nil
}

// write writes the file to a temporary file beside path, syncs it, and calls put to
// move it into place.
func (f *keyFile) write(path string, mode fs.FileMode, put func(temporary string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write seal key file: %w", err)
		}
	}()
	text, err := f.encode()
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), tempPattern) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // it may be gone, and is no key until it is put
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := put(temporary.Name()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir syncs a folder to disk, if the system can.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync() // some systems cannot
	return dir.Close()
}
