// Command bench measures Bongsu beside what bounds it on the same machine: real
// processes on loopback, and what they come to as shares of ceilings that are taken in
// the same run.
//
// The callers and the fake provider are in this process, so that when something was
// meant to be sent and when the provider was told are read from one clock; Bongsu and
// what it is compared with are processes of their own. All share the machine.
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

// options is how to measure.
type options struct {
	Run    []string      // the scenarios; none for all that are not long
	Runs   int           // how often
	Time   time.Duration // how long a load lasts that has no end of its own
	Long   bool          // the long scenarios too
	Dir    string        // where databases and queues are; empty for the system's temporary folder
	Bongsu string        // the program to measure; empty builds it
	JSON   string        // the file of all figures; empty for none
	Report string        // the file of the last results; empty for none
	With   string        // the JSON file of an earlier run, whose figures count where this one has none; empty for none
}

func main() { os.Exit(run(os.Args[1:])) }

// run is the whole program, and gives the code of its exit.
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

// parse reads the command line.
func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	var names string
	flags.StringVar(&names, "run", "", "the `scenarios` to run, such as accept,deliver; by default all that are not long:\n"+listing())
	flags.IntVar(&o.Runs, "runs", 1, "how often to run them; medians are told")
	flags.DurationVar(&o.Time, "time", 3*time.Second, "how long a load lasts")
	flags.BoolVar(&o.Long, "long", false, "run the long ones too: minutes each, and gigabytes of disk")
	flags.StringVar(&o.Dir, "dir", "", "the `folder` of databases and queues, on the disk to measure; by default the system's temporary one")
	flags.StringVar(&o.Bongsu, "bongsu", "", "the `program` to measure; by default it is built")
	flags.StringVar(&o.JSON, "json", "", "the `file` for all figures as JSON")
	flags.StringVar(&o.Report, "report", "", "the `file` for the results as Markdown")
	flags.StringVar(&o.With, "with", "", "the JSON `file` of an earlier run on this machine: what this one does not measure is told from there")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.Runs < 1 || o.Time < time.Millisecond {
		return o, fmt.Errorf("it takes flags only; runs are 1 at least, and time is more than nothing")
	}
	if names != "" {
		o.Run = strings.Split(names, ",")
	}
	return o, nil
}
