package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
)

// bench runs the scenarios of the options and writes the results. Errors of scenarios
// are returned at the end; the others are still run.
func bench(ctx context.Context, o options, out, progress io.Writer) error {
	plays, err := chosen(o)
	if err != nil {
		return err
	}
	earlier, err := readResults(o.With)
	if err != nil {
		return err
	}
	fmt.Fprintln(progress, "building")
	st, err := newStage(ctx, o, progress)
	if err != nil {
		return err
	}
	r := results{Machine: thisMachine(o.Dir), Start: time.Now(), Runs: o.Runs}
	var figures []figure.Figure
	var failures []error
	for run := range o.Runs {
		for _, p := range plays {
			if ctx.Err() != nil {
				break
			}
			fmt.Fprintf(progress, "%s, run %d of %d\n", p.name, run+1, o.Runs)
			s := &scene{stage: st, mark: p.mark(o)}
			measured, err := s.perform(p.play)
			if err != nil {
				failures = append(failures, fmt.Errorf("%s, run %d: %w", p.name, run+1, err))
				fmt.Fprintf(progress, "  failed: %s\n", err)
				st.note(fmt.Sprintf("%s failed in run %d", p.name, run+1))
			}
			figures = append(figures, measured...)
		}
	}
	if err := ctx.Err(); err != nil { // the figures are incomplete
		return errors.Join(append(failures, err, st.close())...)
	}
	r.Figures, r.Notes = figure.Summarize(figures), st.notes
	r.join(earlier)
	r.Budgets = judge(budgets, r.Figures)
	return errors.Join(append(failures, r.write(o, out), st.close())...)
}
