package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// hasLoopbackNetwork reports whether every address of 127.0.0.0/8 is this machine's.
const hasLoopbackNetwork = true

// The network of the nodes, if the tests run in a network namespace: a bridge, which is the
// address of the tests and the fakes, and a namespace of its own for each node.
const (
	bridge        = "cluster"
	bridgeAddress = "10.77.0.1"
)

// namespaced reports whether the tests run in a network namespace.
var namespaced bool

// runInNamespace runs the tests in a process in a network namespace of its own, and returns
// its exit code; or false if this process may not make one.
func runInNamespace(programs string) (code int, ok bool) {
	for _, tool := range []string{"ip", "nsenter", "sleep"} {
		if _, err := exec.LookPath(tool); err != nil {
			return 0, false
		}
	}
	if os.Geteuid() != 0 {
		return 0, false
	}
	tests := exec.Command(os.Args[0], os.Args[1:]...)
	tests.Env = append(os.Environ(), programsVariable+"="+programs, fmt.Sprintf("BONGSU_CLUSTER_SEED=%d", seed))
	tests.Stdin, tests.Stdout, tests.Stderr = os.Stdin, os.Stdout, os.Stderr
	tests.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := tests.Start(); err != nil {
		return 0, false
	}
	if err := tests.Wait(); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return max(1, exit.ExitCode()), true
		}
		return 1, true
	}
	return 0, true
}

// openNetwork makes the network of the nodes.
func openNetwork() error {
	namespaced = true
	return ip(
		"link set lo up",
		"link add "+bridge+" type bridge",
		"addr add "+bridgeAddress+"/16 dev "+bridge,
		"link set "+bridge+" up",
	)
}

// ip runs commands of iproute2.
func ip(commands ...string) error {
	for _, command := range commands {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	return nil
}

// hostAddress returns the address of the tests and the fakes.
func hostAddress() string {
	if namespaced {
		return bridgeAddress
	}
	return "127.0.1.1"
}

var nodes atomic.Int64 // made so far

// A node is a machine of the cluster: an address, and a network namespace where the tests may
// make them.
type node struct {
	address string
	link    string // of the bridge to the node; empty without a namespace
	holder  *exec.Cmd
}

// newNode returns a node, which is gone when the test ends.
func newNode(t *testing.T) *node {
	t.Helper()
	number := nodes.Add(1) + 1
	if !namespaced {
		return &node{address: fmt.Sprintf("127.0.1.%d", number)}
	}
	n := &node{address: fmt.Sprintf("10.77.%d.%d", number/250, number%250+2), link: fmt.Sprintf("node%d", number), holder: exec.Command("sleep", "infinity")}
	n.holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	must(t, n.holder.Start())
	t.Cleanup(func() {
		_ = n.holder.Process.Kill()
		_ = n.holder.Wait() // the error is that it was killed
	})
	must(t, ip(
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", n.link, n.holder.Process.Pid),
		fmt.Sprintf("link set %s master %s up", n.link, bridge),
	))
	for _, inside := range []string{"link set lo up", "addr add " + n.address + "/16 dev eth0", "link set eth0 up"} {
		if out, err := n.inside(exec.Command("ip", strings.Fields(inside)...)).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", inside, err, out)
		}
	}
	return n
}

// inside makes a command run on the node. It ends with the tests at the latest.
func (n *node) inside(command *exec.Cmd) *exec.Cmd {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if n.link == "" {
		return command
	}
	enter := []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", n.holder.Process.Pid), "--", command.Path}
	inside := exec.Command(enter[0], append(enter[1:], command.Args[1:]...)...)
	inside.Env, inside.Dir, inside.SysProcAttr = command.Env, command.Dir, command.SysProcAttr
	return inside
}

// cut cuts the node off from all others: packets in both directions are lost.
func (n *node) cut(t *testing.T) {
	t.Helper()
	must(t, ip("link set "+n.link+" down"))
}

// heal undoes cut.
func (n *node) heal(t *testing.T) {
	t.Helper()
	must(t, ip("link set "+n.link+" up"))
}
