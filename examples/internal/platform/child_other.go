//go:build !linux

package platform

import "os/exec"

// bindToThread does nothing: a command outlives a process that is killed.
func bindToThread(*exec.Cmd) {}
