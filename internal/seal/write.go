package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// MakeKey creates a seal key file with a new key at path, atomically and with mode
// 0600. If the file exists, even if another process created it just now, it is kept and
// no error is returned: ReadKey reads the file that won.
func MakeKey(path string) error {
	f, err := newFile(time.Now())
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

// Rotate adds a new key to the file at path, makes it the primary, and returns its id.
// The existing keys stay, and open. Mode and owner of the file stay.
func Rotate(path string, now time.Time) (added ID, err error) {
	err = change(path, func(f *file, m *keyset.Manager) (err error) {
		added, err = f.add(m, now)
		return err
	})
	return added, err
}

// Prune removes keys from the file at path. It returns an error for the primary.
// Credentials sealed under removed keys can never be opened again.
func Prune(path string, ids []ID) error {
	return change(path, func(f *file, m *keyset.Manager) error { return f.drop(m, ids) })
}

// change updates the file at path atomically, under its lock file.
func change(path string, how func(*file, *keyset.Manager) error) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("read seal key file: %w", err)
	}
	unlock, err := lock(path)
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
	f, err := parse(text, path)
	if err != nil {
		return err
	}
	if err := how(f, keyset.NewManagerFromHandle(f.handle)); err != nil {
		return err
	}
	return f.write(path, info.Mode().Perm(), func(temporary string) error {
		if err := own(temporary, info); err != nil {
			return fmt.Errorf("file owner would change, run as that user: %w", err)
		}
		return os.Rename(temporary, path)
	})
}

// lock creates the lock file of the file at path; unlock removes it.
func lock(path string) (unlock func() error, err error) {
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
func (f *file) write(path string, mode fs.FileMode, put func(temporary string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write seal key file: %w", err)
		}
	}()
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), temporaries) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // it may be gone, and is no key until it is put
	_, err = temporary.Write(append(text, '\n'))
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
