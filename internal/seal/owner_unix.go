//go:build unix

package seal

import (
	"io/fs"
	"os"
	"syscall"
)

// own gives the file at path the owner and group that info tells of.
func own(path string, info fs.FileInfo) error {
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(path, int(of.Uid), int(of.Gid))
}
