package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// queueLock is the lock file of the embedded queue in the data folder. It is not in the
// queue's own folder, which may be deleted at any time.
const queueLock = "jetstream.lock"

// errLocked means that another process holds a lock.
var errLocked = errors.New("locked by another process")

// lockQueue locks the embedded queue of the data folder, and with it the limiter state:
// two queues would call a provider at twice its rate limit. Databases are not locked:
// several processes may open one. The operating system releases the lock when the
// process ends, however it ends.
func (b *builder) lockQueue() error {
	path := filepath.Join(b.config.Data, queueLock)
	file, err := lockFile(path)
	if errors.Is(err, errLocked) {
		return fmt.Errorf("--data: %s has locked the embedded queue of %s: stop it, or use another --data; "+
			"several processes may share a folder only if all set --nats-url", lockHolder(path), b.config.Data)
	}
	if err != nil {
		return fmt.Errorf("--data: lock %s: %w", path, err)
	}
	b.closeLater("the lock of the data folder", file.Close)
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
