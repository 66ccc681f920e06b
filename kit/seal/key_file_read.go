package seal

import (
	"fmt"
	"os"
	"runtime"
)

// ReadKeyFile reads the seal key file at path. A missing file is fs.ErrNotExist. A file is
// refused if it is readable by others than its owner and group, or writable by others
// than its owner.
func (n FileFormat) ReadKeyFile(path string) (*Keyring, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	k, err := n.newKeyring(text, path)
	if err == nil {
		k.path = path
	}
	return k, err
}

// ParseKeyring parses the content of a seal key file, or its base64 encoding, from the
// environment variable name. The keys do not change while the process runs.
func (n FileFormat) ParseKeyring(text, name string) (*Keyring, error) {
	return n.newKeyring([]byte(text), name)
}

func (n FileFormat) newKeyring(text []byte, name string) (*Keyring, error) {
	lk, err := n.loadKeys(text, name)
	if err != nil {
		return nil, err
	}
	k := &Keyring{names: n, name: name, changed: make(chan struct{})}
	k.ring.Store(lk)
	return k, nil
}

// ListKeys returns the keys of the file at path, in the order in which they were added.
func (n FileFormat) ListKeys(path string) ([]KeyInfo, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	f, err := n.parse(text, path)
	if err != nil {
		return nil, err
	}
	return f.entries(), nil
}

// readFile reads a file, and returns an error if its mode is too open.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read seal key file: %w", err)
	}
	// The group may read: containers get their secrets so. Windows modes carry no such
	// information.
	if mode := info.Mode().Perm(); mode&0o027 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s has mode %#o: others may read or change the seal key; chmod 600 it, and rotate it if others may have read it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read seal key file: %w", err)
	}
	return text, nil
}
