package platform

import (
	"os/exec"
	"syscall"
)

// bindToThread lets the kernel kill a command when the thread that starts it has ended.
func bindToThread(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
