package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dataLock is the name of the lock file in the data folder.
const dataLock = "serve.lock"

// errLocked means that another process holds a lock.
var errLocked = errors.New("locked by another process")

// lockData locks the data folder: the databases, the embedded queue and its rate limits
// belong to one process. A second one would call a provider at twice its rate limit. The
// operating system releases the lock when the process ends, however it ends. In a folder on a
// read-only file system, which a service without a database of its own may have, no process
// keeps anything, and there is nothing to lock.
func (a *App) lockData() error {
	path := filepath.Join(a.config.Data, dataLock)
	file, err := lockFile(path)
	switch {
	case errors.Is(err, errLocked):
		return fmt.Errorf("--data: %s has locked %s: stop it, or set another --data, a folder for each process; "+
			"--seal-key-file names the seal key that they share, and database URLs such as --ledger-url name databases elsewhere", lockHolder(path), a.config.Data)
	case errors.Is(err, syscall.EROFS):
		return nil
	case err != nil:
		return fmt.Errorf("--data: lock %s: %w", path, err)
	}
	a.closeLater("the lock of the data folder", file.Close)
	return writeHolder(file)
}

// writeHolder writes the lock holder into the file, for the error of another process.
func writeHolder(file *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	holder := fmt.Sprintf("%d %s\n", os.Getpid(), host)
	_, err = file.WriteAt([]byte(holder), 0)
	if err := errors.Join(err, file.Truncate(int64(len(holder)))); err != nil {
		return fmt.Errorf("--data: write %s: %w", file.Name(), err)
	}
	return nil
}

// lockHolder returns the holder of the lock as text.
func lockHolder(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return "another process"
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 1024))
	pid, host, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	if err != nil || !ok || strings.Trim(pid, "0123456789") != "" {
		return "another process"
	}
	if here, err := os.Hostname(); err == nil && here == host {
		return "process " + pid
	}
	return fmt.Sprintf("process %s on %q", pid, host)
}
