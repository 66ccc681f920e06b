package main

import (
	"fmt"
	"strings"

	"github.com/bongsu-project/bongsu/bench/figure"
)

// markdown returns the results as a page: budgets, and figures as shares of their
// ceilings, or in milliseconds and MiB. Absolute rates of the machine are left out.
func (r results) markdown() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "# Results\n\n`make bench` on %s, medians of %d runs: %d cores (%s), %s, %s, %s.\n", r.Start.UTC().Format("2006-01-02"), r.Runs, m.Cores, m.CPU, m.Memory, m.System, m.Go)
	b.WriteString("Callers, fake provider and Bongsu share them. Ceilings were taken beside each figure.\n")
	if m.Note != "" {
		fmt.Fprintf(&b, "\n**%s**\n", m.Note)
	}
	b.WriteString("\n## Budgets\n\n| what | measured | budget | |\n| --- | --- | --- | --- |\n")
	for _, v := range r.Budgets {
		if v.Runs == 0 {
			fmt.Fprintf(&b, "| %s | | %s | %s |\n", v.What, v.limit(), v.word())
			continue
		}
		word := v.word()
		if v.Runs != r.Runs {
			word += fmt.Sprintf("; runs: %d", v.Runs)
		}
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s |\n", v.What, number(v.Measured), v.Unit, v.limit(), word)
	}
	b.WriteString("\n## Shares\n\n| figure | share | of | |\n| --- | --- | --- | --- |\n")
	for _, f := range r.Figures {
		if f.Of != "" && f.Of != f.Name {
			fmt.Fprintf(&b, "| %s | %.2f | %s | %s |\n", f.Name, f.Share, f.Of, r.noteOn(f))
		}
	}
	b.WriteString("\n## Times and sizes\n\n| figure | | |\n| --- | --- | --- |\n")
	for _, f := range r.Figures {
		switch f.Unit {
		case "ms", "MiB", "s", "s/1000":
			fmt.Fprintf(&b, "| %s | %s %s | %s |\n", f.Name, number(f.Value), f.Unit, r.noteOn(f))
		}
	}
	if len(r.Notes) > 0 {
		b.WriteString("\n## Not measured\n\n")
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", note)
	}
	return b.String()
}

// noteOn returns a figure's note, and the number of runs if it differs from that of the
// page.
func (r results) noteOn(f figure.Summary) string {
	switch {
	case f.Runs == r.Runs:
		return f.Note
	case f.Note == "":
		return fmt.Sprintf("runs: %d", f.Runs)
	}
	return fmt.Sprintf("%s; runs: %d", f.Note, f.Runs)
}
