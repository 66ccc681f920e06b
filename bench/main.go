// Command bench measures Bongsu against the limits of the same machine: real processes
// on loopback, with results as shares of ceilings that are measured in the same run.
//
// The callers and the fake provider are in this process, so that the times of sending
// and of calls to the provider are read from one clock; Bongsu and the systems that it
// is compared with are separate processes. All share the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the options of a run.
type options struct {
	Run    []string      // scenarios; empty for all that are not long
	Runs   int           // number of runs
	Time   time.Duration // duration of a load without an end of its own
	Long   bool          // include the long scenarios
	Auth   bool          // Bongsu requires API keys
	Dir    string        // folder of databases and queues; empty for the system's temporary folder
	Bongsu string        // program to measure; empty to build it
	JSON   string        // output file of all figures; empty for none
	Report string        // output file of the results as Markdown; empty for none
	With   string        // JSON file of an earlier run, whose figures are used if this one has none; empty for none
}

func main() { os.Exit(run(os.Args[1:])) }

// run is the whole program and returns its exit code.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func start(ctx context.Context, args []string) error {
	if part, err := beAPart(ctx); part {
		return err
	}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	return bench(ctx, o, os.Stdout, os.Stderr)
}

// parse parses the command line.
func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	var names string
	flags.StringVar(&names, "run", "", "the `scenarios` to run, such as accept,deliver; by default all that are not long:\n"+listing())
	flags.IntVar(&o.Runs, "runs", 1, "number of runs; medians are reported")
	flags.DurationVar(&o.Time, "time", 3*time.Second, "how long a load lasts")
	flags.BoolVar(&o.Long, "long", false, "include the long scenarios: minutes each, and gigabytes of disk")
	flags.BoolVar(&o.Auth, "auth", false, "let Bongsu require API keys, and send one with each call; the figures that this changes end with "+keyMark)
	flags.StringVar(&o.Dir, "dir", "", "the `folder` of databases and queues, on the disk to measure; default the system's temporary folder")
	flags.StringVar(&o.Bongsu, "bongsu", "", "the `program` to measure; built by default")
	flags.StringVar(&o.JSON, "json", "", "the `file` for all figures as JSON")
	flags.StringVar(&o.Report, "report", "", "the `file` for the results as Markdown")
	flags.StringVar(&o.With, "with", "", "the JSON `file` of an earlier run on this machine: its figures are used for what this run does not measure")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.Runs < 1 || o.Time < time.Millisecond {
		return o, fmt.Errorf("invalid arguments: flags only, -runs at least 1, -time at least 1ms")
	}
	if names != "" {
		o.Run = strings.Split(names, ",")
	}
	return o, nil
}
