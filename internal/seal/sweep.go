package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// temporaries names the files that are written beside a key file and then put in its place.
const temporaries = ".seal-*"

// temporaryName is what os.CreateTemp makes of temporaries.
var temporaryName = regexp.MustCompile(`^\.seal-[0-9]+$`)

// LeftoverAge is how old a temporary file must be to be a leftover: it is there for some
// milliseconds, unless the process that writes it is stopped or killed.
const LeftoverAge = time.Hour

// Sweep removes the temporary files that killed processes left beside the key file at path:
// they hold keys. It returns the files it removed. What is younger than LeftoverAge at now
// may be another process's in use, and stays, as does all that is no plain file of this
// package's naming.
func Sweep(path string, now time.Time) (removed []string, err error) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sweep leftovers of the seal key: %w", err)
	}
	for _, e := range entries {
		if !temporaryName.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, statErr := e.Info()
		if statErr != nil || now.Sub(info.ModTime()) < LeftoverAge {
			continue // it is gone, or young
		}
		name := filepath.Join(dir, e.Name())
		switch removeErr := os.Remove(name); {
		case removeErr == nil:
			removed = append(removed, name)
		case !errors.Is(removeErr, fs.ErrNotExist): // another process swept it
			err = errors.Join(err, removeErr)
		}
	}
	return removed, err
}
