package platform

import (
	"os/exec"
	"runtime"
)

// startBound starts a command that ends with this process, and runs a function, which must wait for the
// end of the command. A process that is killed cannot stop its children: on Linux the kernel kills the
// command then. It does so at the end of the thread that has started the command, which is why that
// thread is kept meanwhile.
func startBound(command *exec.Cmd, wait func()) error {
	bindToThread(command)
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			wait()
		}
	}()
	return <-started
}
