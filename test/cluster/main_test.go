// Package cluster tests a deployment of several nodes: each process has an address of its
// own, processes find one another in the registry only, and one fault after another is made
// while alerts are sent. Then the calls that the fake provider received are compared with
// the ledger.
package cluster

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/bongsu-project/bongsu/test/proc"
)

const (
	// programsVariable names the folder of the built programs, for the process of the tests in
	// its network namespace.
	programsVariable = "BONGSU_CLUSTER_PROGRAMS"
	// nextVersion is the version of the second build.
	nextVersion = "v9.9.9"
)

var (
	// binaries are the programs under test, and nextBongsu is another build of bongsu.
	binaries   proc.Binaries
	nextBongsu string

	// seed seeds the random choices: which process of several is killed, and who is notified.
	seed uint64
	// long selects all faults, and more time for each.
	long = os.Getenv("BONGSU_CLUSTER") == "long"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if testing.Short() {
		return m.Run() // every test is skipped
	}
	seed = rand.Uint64N(1_000_000)
	if given := os.Getenv("BONGSU_CLUSTER_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			fmt.Fprintln(os.Stderr, "BONGSU_CLUSTER_SEED must be a number")
			return 2
		}
	}
	dir := os.Getenv(programsVariable)
	if dir == "" {
		built, err := os.MkdirTemp("", "bongsu-cluster-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(built) //nolint:errcheck // temporary folder
		if err := build(built); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if code, ok := runInNamespace(built); ok {
			return code
		}
		dir = built
	} else if err := openNetwork(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = proc.Binaries{Bongsu: filepath.Join(dir, "bongsu"), NATSServer: filepath.Join(dir, "nats-server")}
	nextBongsu = nextIn(dir)
	code := m.Run()
	if table := results.table(); table != "" {
		fmt.Printf("BONGSU_CLUSTER_SEED=%d makes the same choices\n%s", seed, table)
	}
	return code
}

// build builds the programs into a folder.
func build(dir string) error {
	if _, err := proc.Build(dir); err != nil {
		return err
	}
	return proc.BuildVersion(nextIn(dir), nextVersion)
}

// nextIn returns the path of the second build in a folder.
func nextIn(dir string) string { return filepath.Join(dir, "bongsu-next") }

// needCluster skips a test where it cannot run.
func needCluster(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	if !hasLoopbackNetwork {
		t.Skip("skipped without the addresses 127.0.1.x, which Linux has")
	}
}
