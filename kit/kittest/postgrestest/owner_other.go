//go:build !unix

package postgrestest

import "os/exec"

// unprivileged leaves the command unchanged.
func unprivileged(*exec.Cmd, string) error { return nil }
