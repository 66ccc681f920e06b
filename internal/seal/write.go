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

// MakeKey makes a new key and writes it to path with mode 0600, whole or not at
// all. Where path is there already, even made by another process just now, it
// is left alone and no error: ReadKey reads what won.
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

// Rotate adds a key to the file at path, which seals from now on, and gives its
// id. The keys that are there stay, and open. Mode and owner of the file stay.
func Rotate(path string, now time.Time) (added ID, err error) {
	err = change(path, func(f *file, m *keyset.Manager) (err error) {
		added, err = f.add(m, now)
		return err
	})
	return added, err
}

// Prune drops keys from the file at path. It refuses to drop the one that seals.
// What was sealed under the others cannot be opened again.
func Prune(path string, ids []ID) error {
	return change(path, func(f *file, m *keyset.Manager) error { return f.drop(m, ids) })
}

// change changes the file at path, whole or not at all, one process at a time.
func change(path string, how func(*file, *keyset.Manager) error) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("read the seal key: %w", err)
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
		return fmt.Errorf("read the seal key: %w", err)
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
			return fmt.Errorf("the file would change its owner, do it as that user: %w", err)
		}
		return os.Rename(temporary, path)
	})
}

// lock keeps others from changing the file at path until unlock.
func lock(path string) (unlock func() error, err error) {
	name := path + ".lock"
	held, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there: the key is being changed; remove it if that is not so", name)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the seal key: %w", err)
	}
	return func() error { return errors.Join(held.Close(), os.Remove(name)) }, nil
}

// write writes the file beside path, and when it is on disk lets put bring it
// there.
func (f *file) write(path string, mode fs.FileMode, put func(temporary string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the seal key: %w", err)
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

// syncDir brings what changed in a folder to the disk, where the system can.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync() // some systems cannot
	return dir.Close()
}
