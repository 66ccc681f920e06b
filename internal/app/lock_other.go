//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package app

import "os"

// lockFile opens a file and makes it where there is none. These systems have no lock
// that ends with its process, and one that outlives it would do more harm.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
