package faults

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A resultTable collects the results of cases.
type resultTable struct {
	mu       sync.Mutex
	verdicts []caseResult
}

var results resultTable

func (t *resultTable) add(r caseResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.verdicts = append(t.verdicts, r)
}

// table returns the results as a table, sorted by name, with their sum.
func (t *resultTable) table() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.verdicts) == 0 {
		return ""
	}
	slices.SortFunc(t.verdicts, func(x, y caseResult) int { return strings.Compare(x.name, y.name) })
	var out strings.Builder
	row := func(r caseResult) {
		fmt.Fprintf(&out, "| %-78s | %10d | %4d | %8d | %6d | %6d | %7.1f |\n", r.name, r.Deliveries, r.Lost, r.Unmarked, r.Marked, r.waited, r.took.Seconds())
	}
	fmt.Fprintf(&out, "| %-78s | %10s | %4s | %8s | %6s | %6s | %7s |\n", "case", "deliveries", "lost", "unmarked", "marked", "waited", "seconds")
	sum := caseResult{name: fmt.Sprintf("%d cases", len(t.verdicts))}
	for _, r := range t.verdicts {
		row(r)
		sum.Deliveries += r.Deliveries
		sum.Lost += r.Lost
		sum.Unmarked += r.Unmarked
		sum.Marked += r.Marked
		sum.waited += r.waited
		sum.took += r.took
	}
	row(sum)
	return out.String()
}
