//go:build !unix

package main

// maxOpenFiles returns the limit of open files of a process: there is none.
func maxOpenFiles() int { return 1 << 30 }
