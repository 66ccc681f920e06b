package cluster

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/test/judge"
)

// A result is the result of a fault.
type result struct {
	judge.Tally
	name                string
	rolling             bool // it is many small faults: the longest dip counts
	accepted, errors    int
	accepting, delivery dip
	slowest             time.Duration // call that was accepted
}

// recovery returns the time until alerts were accepted and delivered at enough of the rate
// before, and whether they were.
func (r result) recovery() (time.Duration, bool) {
	if r.rolling {
		return max(r.accepting.below, r.delivery.below), r.accepting.found && r.delivery.found
	}
	return max(r.accepting.took, r.delivery.took), r.accepting.found && r.delivery.found
}

// A resultTable collects results.
type resultTable struct {
	mu   sync.Mutex
	rows []result
}

var results resultTable

func (t *resultTable) add(r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

// table returns the results as a table in Markdown, in the order of the faults.
func (t *resultTable) table() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		return ""
	}
	var out strings.Builder
	line := func(cells ...any) {
		fmt.Fprintf(&out, "| %-36s | %8v | %10v | %4v | %8v | %6v | %6v | %9v | %9v | %9v | %14v | %14v |\n", cells...)
	}
	line("fault", "accepted", "deliveries", "lost", "unmarked", "marked", "errors", "slowest", "accepts/s", "lowest", "lowest sent/s", "seconds to 0.7")
	line("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:")
	for _, r := range t.rows {
		seconds := "never"
		if took, ok := r.recovery(); ok {
			seconds = fmt.Sprintf("%.1f", took.Seconds())
		}
		line(r.name, r.accepted, r.Deliveries, r.Lost, r.Unmarked, r.Marked, r.errors, fmt.Sprintf("%.1f s", r.slowest.Seconds()), fmt.Sprintf("%.0f", r.accepting.before), fmt.Sprintf("%.0f", r.accepting.lowest),
			fmt.Sprintf("%.0f of %.0f", r.delivery.lowest, r.delivery.before), seconds)
	}
	return out.String()
}
