package seal

import (
	"fmt"
	"os"
	"runtime"
)

// ReadKey reads the key file at path. A file that is not there is fs.ErrNotExist.
// One that others than its owner and group may read, or others than its owner
// write, is refused.
func ReadKey(path string) (*Key, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	k, err := newKey(text, path)
	if err == nil {
		k.path = path
	}
	return k, err
}

// ParseKey reads what a key file holds, or the base64 of it, from the variable
// name of the environment. It stays as it is while the process runs.
func ParseKey(text, name string) (*Key, error) { return newKey([]byte(text), name) }

func newKey(text []byte, name string) (*Key, error) {
	r, err := readRing(text, name)
	if err != nil {
		return nil, err
	}
	k := &Key{name: name, changed: make(chan struct{})}
	k.ring.Store(r)
	return k, nil
}

// List lists the keys of the file at path, in the order in which they were added.
func List(path string) ([]Entry, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parse(text, path)
	if err != nil {
		return nil, err
	}
	return f.entries(), nil
}

// readFile reads a file that nobody else may read.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %w", err)
	}
	// A group may read: that is how containers are given secrets. Windows tells
	// nothing by modes.
	if mode := info.Mode().Perm(); mode&0o027 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s has mode %#o: others may read or change the seal key; chmod 600 it, and rotate it where somebody may have read it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %w", err)
	}
	return text, nil
}
