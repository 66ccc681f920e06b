// Package livefile holds values that are read from files, and read again when the files
// change: keys and certificates that are replaced while a process serves.
package livefile

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// CheckInterval is the least time between two checks of the files of a Value.
const CheckInterval = time.Second

// A Value is the parsed content of one or several files. It is safe for concurrent use.
type Value[T any] struct {
	paths []string
	parse func(texts [][]byte) (T, error)
	now   func() time.Time
	log   *slog.Logger

	current atomic.Pointer[T]
	checked atomic.Int64 // Unix nanoseconds of the last check

	mu       sync.Mutex // held during a check
	versions []version
	lastErr  string
}

// A version tells one content of a file from the next one.
type version struct {
	modified time.Time
	size     int64
	file     os.FileInfo // a file that is replaced has another inode
}

func (v version) equal(w version) bool {
	return v.modified.Equal(w.modified) && v.size == w.size && v.file != nil && w.file != nil && os.SameFile(v.file, w.file)
}

// Open reads the files at paths. parse gets their contents in that order, and must return an
// error that quotes none of a secret. now is the clock.
func Open[T any](paths []string, parse func(texts [][]byte) (T, error), now func() time.Time, log *slog.Logger) (*Value[T], error) {
	v := &Value[T]{paths: paths, parse: parse, now: now, log: log}
	v.checked.Store(now().UnixNano())
	if err := v.read(); err != nil {
		return nil, err
	}
	return v, nil
}

// Get returns the value. If the last check was CheckInterval ago, it checks whether a file
// has changed, and reads all of them then. A value that cannot be read, or not parsed, is
// logged, and the one before stays: a pair of files may be half replaced.
func (v *Value[T]) Get() T {
	now, last := v.now().UnixNano(), v.checked.Load()
	if now-last >= int64(CheckInterval) || now < last {
		v.check(now)
	}
	return *v.current.Load()
}

// check reads the files if they have changed. Concurrent calls return at once.
func (v *Value[T]) check(now int64) {
	if !v.mu.TryLock() {
		return
	}
	defer v.mu.Unlock()
	v.checked.Store(now)
	versions, err := v.stat()
	if err == nil && slices.EqualFunc(versions, v.versions, version.equal) {
		return
	}
	if err == nil {
		err = v.read()
	}
	if err == nil {
		v.lastErr = ""
		v.log.Info("changed files read again", "files", v.paths)
		return
	}
	if err.Error() != v.lastErr {
		v.lastErr = err.Error()
		v.log.Error("reading changed files failed, the values before stay in use", "error", err)
	}
}

// read reads and parses the files. The versions are those before reading: a file that
// changes meanwhile is read again by the next check.
func (v *Value[T]) read() error {
	versions, err := v.stat()
	if err != nil {
		return err
	}
	texts := make([][]byte, len(v.paths))
	for i, path := range v.paths {
		if texts[i], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	value, err := v.parse(texts)
	if err != nil {
		return fmt.Errorf("%s: %w", v.paths[0], err)
	}
	v.current.Store(&value)
	v.versions = versions
	return nil
}

func (v *Value[T]) stat() ([]version, error) {
	versions := make([]version, 0, len(v.paths))
	for _, path := range v.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		versions = append(versions, version{info.ModTime(), info.Size(), info})
	}
	return versions, nil
}
