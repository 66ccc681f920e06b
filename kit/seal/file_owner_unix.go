//go:build unix

package seal

import (
	"io/fs"
	"os"
	"syscall"
)

// copyFileOwner sets the owner and group of the file at path to those of info.
func copyFileOwner(path string, info fs.FileInfo) error {
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(path, int(of.Uid), int(of.Gid))
}
