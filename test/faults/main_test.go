// Package faults proves the promises by breaking things: real processes are killed,
// stopped, cut off and starved while alerts go through them, and then what the fake
// provider saw is held against what the ledger says.
package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// binaries are the programs under test.
var binaries proc.Binaries

// seed decides what is drawn: when who is killed, and what is sent to whom. The
// same seed draws the same; the machine's own timing is not drawn.
var seed uint64

// long says that the whole matrix is wanted.
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
	dir, err := os.MkdirTemp("", "bongsu-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if binaries, err = proc.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := flag.Set("test.parallel", "4"); err != nil { // tests mostly wait; a flag of the command line wins
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := postgrestest.Run(m)
	if table := results.table(); table != "" {
		fmt.Printf("BONGSU_FAULTS_SEED=%d reproduces this run\n%s", seed, table)
	}
	return code
}

// draw gives what is drawn for a test: the same for the same seed and name.
func draw(name string) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}

// upTo draws a time below most.
func upTo(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(most)))
}
