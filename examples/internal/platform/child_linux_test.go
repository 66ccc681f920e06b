package platform

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

// parentVariable makes the test binary a process with a child.
const parentVariable = "PLATFORM_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) != "" {
		runParent()
	}
	os.Exit(m.Run())
}

// runParent starts a child, with the standard output of this process, and writes its process id.
func runParent() {
	child := exec.Command("sleep", "1000")
	child.Stdout = os.Stdout
	if err := startBound(child, func() { _ = child.Wait() }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for range 100 { // threads of the runtime come and go
		go runtime.LockOSThread() // ends its thread
	}
	fmt.Println(child.Process.Pid)
	select {}
}

// TestChildOfKilledProcess kills a process, and its child ends with it. Both have a pipe open, which
// ends after them.
func TestChildOfKilledProcess(t *testing.T) {
	const timeout = 10 * time.Second
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"=1")
	out, in, err := os.Pipe()
	kittest.NoError(t, err)
	defer out.Close()
	parent.Stdout, parent.Stderr = in, os.Stderr
	kittest.NoError(t, parent.Start())
	kittest.NoError(t, in.Close())
	kittest.NoError(t, out.SetReadDeadline(time.Now().Add(timeout)))
	lines := bufio.NewReader(out)
	var child int
	_, err = fmt.Fscanln(lines, &child)
	kittest.NoError(t, err)

	kittest.NoError(t, out.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	if _, err := lines.ReadByte(); !os.IsTimeout(err) {
		t.Fatalf("the child has ended before its parent: %v", err)
	}
	kittest.NoError(t, parent.Process.Kill())
	_ = parent.Wait() // a killed process has an error
	kittest.NoError(t, out.SetReadDeadline(time.Now().Add(timeout)))
	if _, err := lines.ReadByte(); err != io.EOF {
		t.Errorf("the child %d runs after its parent was killed: %v", child, err)
		if orphan, err := os.FindProcess(child); err == nil {
			_ = orphan.Kill()
		}
	}
}
