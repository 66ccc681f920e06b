//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package app

import "os"

// lockFile opens or creates a file. It does not lock: these systems have no lock that
// ends with its process, and a stale lock would do more harm.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
