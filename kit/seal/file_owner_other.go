//go:build !unix

package seal

import "io/fs"

// own does nothing: these systems have no Unix file owners.
func own(string, fs.FileInfo) error { return nil }
