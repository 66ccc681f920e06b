//go:build !unix

package postgrestest

import "os/exec"

// unprivileged leaves the command as it is.
func unprivileged(*exec.Cmd, string) error { return nil }
