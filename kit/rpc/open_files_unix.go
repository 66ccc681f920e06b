//go:build unix

package rpc

import "syscall"

// openFiles returns the open-file limit of the process, and 0 if it is unknown.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur) //nolint:unconvert // the type differs between systems
}
