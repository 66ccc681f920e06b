// Package e2e tests Bongsu end to end: real processes of the real program, called over
// HTTP. Most tests run on one process and on six.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
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
	defer os.RemoveAll(dir) //nolint:errcheck // temporary folder
	if binaries, err = proc.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries.Args = proc.Unpaced
	return postgrestest.Run(m, testenv.Postgres)
}
