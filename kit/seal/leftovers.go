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

// tempPattern is the name pattern of the temporary files that replace a seal key file.
const tempPattern = ".seal-*"

// tempName matches the names that os.CreateTemp creates from tempPattern.
var tempName = regexp.MustCompile(`^\.seal-[0-9]+$`)

// LeftoverAge is the age from which a temporary file is a leftover: it exists for some
// milliseconds, unless its process is stopped or killed.
const LeftoverAge = time.Hour

// RemoveLeftovers removes the temporary files of killed processes beside the seal key file at
// path, because they hold keys. It returns the removed files. Files younger than
// LeftoverAge at now may be in use by another process, and stay, as do all files that
// are not regular or have other names.
func RemoveLeftovers(path string, now time.Time) (removed []string, err error) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("remove leftovers of the seal key file: %w", err)
	}
	for _, e := range entries {
		if !tempName.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, statErr := e.Info()
		if statErr != nil || now.Sub(info.ModTime()) < LeftoverAge {
			continue // it is gone, or too young
		}
		name := filepath.Join(dir, e.Name())
		switch removeErr := os.Remove(name); {
		case removeErr == nil:
			removed = append(removed, name)
		case !errors.Is(removeErr, fs.ErrNotExist): // another process removed it
			err = errors.Join(err, removeErr)
		}
	}
	return removed, err
}
