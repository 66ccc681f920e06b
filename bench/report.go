package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
)

// results holds all measurements.
type results struct {
	Machine machine          `json:"machine"`
	Start   time.Time        `json:"start"`
	Runs    int              `json:"runs"`
	Figures []figure.Summary `json:"figures"`
	Budgets []verdict        `json:"budgets"`
	Notes   []string         `json:"notes,omitempty"` // what was not measured, and why
}

// readResults reads the file of an earlier run; an empty name returns no results.
func readResults(file string) (r results, err error) {
	if file == "" {
		return r, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// join adds the figures of an earlier run that r does not have.
func (r *results) join(earlier results) {
	has := map[string]bool{}
	for _, f := range r.Figures {
		has[f.Name] = true
	}
	for _, f := range earlier.Figures {
		if !has[f.Name] {
			r.Figures = append(r.Figures, f)
		}
	}
}

// write writes the results to the outputs of the options.
func (r results) write(o options, out io.Writer) error {
	if err := r.table(out); err != nil {
		return err
	}
	if o.JSON != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.JSON, append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	if o.Report == "" {
		return nil
	}
	return os.WriteFile(o.Report, []byte(r.markdown()), 0o644)
}

// table writes the figures and verdicts as text.
func (r results) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "FIGURE\tMEDIAN\tUNIT\tSHARE\tOF\tLEAST\tMOST\tRUNS\tNOTE\n")
	for _, f := range r.Figures {
		share := ""
		if f.Of != "" {
			share = fmt.Sprintf("%.3f", f.Share)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", f.Name, number(f.Value), f.Unit, share, f.Of, number(f.Least), number(f.Most), f.Runs, f.Note)
	}
	fmt.Fprintf(w, "\t\t\t\t\t\t\t\t\nBUDGET\tMEASURED\tUNIT\tLIMIT\tVERDICT\t\t\t\t\n")
	for _, v := range r.Budgets {
		if v.Runs > 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\t\t\t\n", v.What, number(v.Measured), v.Unit, v.limit(), v.word())
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "%s\n", note)
	}
	return w.Flush()
}

// limit returns the limit of a budget as text.
func (v verdict) limit() string {
	if v.AtLeast {
		return "≥ " + number(v.Limit)
	}
	return "≤ " + number(v.Limit)
}

// word returns the verdict as text.
func (v verdict) word() string {
	switch {
	case v.Runs == 0:
		return "not measured"
	case v.Met && v.Stretch > 0 && v.holds(v.Stretch):
		return "met, with the stretch"
	case v.Met:
		return "met"
	}
	return "missed"
}

// number formats a value with three significant digits, or all digits before the point.
func number(value float64) string {
	if value == 0 || math.IsNaN(value) {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(value))))
	return strconv.FormatFloat(value, 'f', max(digits, 0), 64)
}
