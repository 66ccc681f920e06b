//go:build unix

package rpc

import "syscall"

// openFiles returns how many files the process may have open, and 0 where that is not
// known.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur) //nolint:unconvert // its type is another on some systems
}
