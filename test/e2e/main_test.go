// Package e2e tests Bongsu as people use it: real processes of the real program,
// asked over HTTP. Every suite runs against one process and against six.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
)

// binaries is the folder of the programs under test.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bongsu-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	binaries = dir
	for name, pkg := range map[string]string{
		"bongsu":      "github.com/bongsu-project/bongsu/cmd/bongsu",
		"nats-server": "github.com/nats-io/nats-server/v2",
	} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n", pkg, err)
			return 1
		}
	}
	return postgrestest.Run(m)
}
