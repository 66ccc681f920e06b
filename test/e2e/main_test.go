// Package e2e tests Bongsu as people use it: real processes of the real program,
// asked over HTTP. Every suite runs against one process and against six.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// binaries are the programs under test.
var binaries proc.Binaries

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bongsu-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if binaries, err = proc.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries.Args = proc.Unpaced
	return postgrestest.Run(m)
}
