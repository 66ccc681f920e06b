//go:build !linux

package cluster

import (
	"errors"
	"os/exec"
	"testing"
)

// hasLoopbackNetwork reports whether every address of 127.0.0.0/8 is this machine's.
const hasLoopbackNetwork = false

// namespaced reports whether the tests run in a network namespace.
var namespaced bool

// runInNamespace returns false: only Linux has network namespaces.
func runInNamespace(string) (code int, ok bool) { return 0, false }

func openNetwork() error { return errors.ErrUnsupported }

// hostAddress returns the address of the tests and the fakes.
func hostAddress() string { return "127.0.0.1" }

// A node is a machine of the cluster.
type node struct{ address string }

func newNode(*testing.T) *node { return &node{address: hostAddress()} }

func (n *node) inside(command *exec.Cmd) *exec.Cmd { return command }

func (n *node) cut(t *testing.T) { t.Fatal("needs network namespaces") }

func (n *node) heal(*testing.T) {}
