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

func (b *resultTable) add(v caseResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verdicts = append(b.verdicts, v)
}

// table returns the results as a table, sorted by name, with their sum.
func (b *resultTable) table() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.verdicts) == 0 {
		return ""
	}
	slices.SortFunc(b.verdicts, func(x, y caseResult) int { return strings.Compare(x.name, y.name) })
	var out strings.Builder
	row := func(v caseResult) {
		fmt.Fprintf(&out, "| %-68s | %10d | %4d | %8d | %6d | %6d | %7.1f |\n", v.name, v.deliveries, v.lost, v.unmarked, v.marked, v.waited, v.took.Seconds())
	}
	fmt.Fprintf(&out, "| %-68s | %10s | %4s | %8s | %6s | %6s | %7s |\n", "case", "deliveries", "lost", "unmarked", "marked", "waited", "seconds")
	sum := caseResult{name: fmt.Sprintf("%d cases", len(b.verdicts))}
	for _, v := range b.verdicts {
		row(v)
		sum.deliveries += v.deliveries
		sum.lost += v.lost
		sum.unmarked += v.unmarked
		sum.marked += v.marked
		sum.waited += v.waited
		sum.took += v.took
	}
	row(sum)
	return out.String()
}
