// Package faults tests the guarantees under faults: real processes are killed, stopped,
// cut off and starved while alerts are sent, and then the calls that the fake provider
// received are compared with the ledger.
package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// binaries are the programs under test.
var binaries proc.Binaries

// seed seeds the random choices: when which process is killed, and which alerts are
// sent to whom. The same seed makes the same choices; the timing of the machine still
// differs.
var seed uint64

// keysEverywhere lets callers need an API key in all tests, and not only in half of the matrix.
var keysEverywhere bool

// long selects the full matrix.
var long = os.Getenv("BONGSU_FAULTS") == "long"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	seed = rand.Uint64N(1_000_000)
	if given := os.Getenv("BONGSU_FAULTS_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			fmt.Fprintln(os.Stderr, "BONGSU_FAULTS_SEED must be a number")
			return 2
		}
	}
	switch auth := os.Getenv("BONGSU_FAULTS_AUTH"); auth {
	case "":
	case "required":
		keysEverywhere = true
	default:
		fmt.Fprintf(os.Stderr, "invalid BONGSU_FAULTS_AUTH %q: must be required or empty\n", auth)
		return 2
	}
	dir, err := os.MkdirTemp("", "bongsu-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary folder
	if binaries, err = proc.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := flag.Set("test.parallel", "4"); err != nil { // the tests mostly wait; a flag of the command line takes precedence
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := postgrestest.Run(m, testenv.Postgres)
	if table := results.table(); table != "" {
		fmt.Printf("BONGSU_FAULTS_SEED=%d reproduces this run\n%s", seed, table)
	}
	return code
}

// draw returns the random source of a test, the same for the same seed and name.
func draw(name string) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}

// upTo returns a random duration below most.
func upTo(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(most)))
}
