// Package figure is the arithmetic of measuring: figures, their medians over runs,
// and what share of one another they are.
package figure

import (
	"math"
	"slices"
	"time"
)

// A Figure is one thing that one run measured.
type Figure struct {
	Name  string  // such as deliver/1; the same in every run
	Value float64 // in Unit
	Unit  string  // what Value counts, such as alerts/s, ms or MiB
	Of    string  // the name of the figure that it is a share of; empty where it is none
	Whole float64 // the value of that figure, taken beside it in the same run
	Note  string  // what a reader must know to judge it; empty for nothing
}

// Share is the figure as a share of its whole, or 0 where it is of none.
func (f Figure) Share() float64 {
	if f.Of == "" || f.Whole == 0 {
		return 0
	}
	return f.Value / f.Whole
}

// A Summary is what several runs measured of one thing.
type Summary struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`           // the median
	Least float64 `json:"least"`           // of all runs
	Most  float64 `json:"most"`            // of all runs
	Of    string  `json:"of,omitempty"`    // what Share is a share of
	Share float64 `json:"share,omitempty"` // the median of the shares, each of its own run
	Runs  int     `json:"runs"`            // how many have measured it
	Note  string  `json:"note,omitempty"`  // of the last run that has one
}

// Summarize gives the medians of figures of the same name, in the order in which the
// names came first.
func Summarize(figures []Figure) []Summary {
	var names []string
	all := map[string][]Figure{}
	for _, f := range figures {
		if len(all[f.Name]) == 0 {
			names = append(names, f.Name)
		}
		all[f.Name] = append(all[f.Name], f)
	}
	summaries := make([]Summary, 0, len(names))
	for _, name := range names {
		same := all[name]
		s := Summary{Name: name, Unit: same[0].Unit, Of: same[0].Of, Runs: len(same)}
		var values, shares []float64
		for _, f := range same {
			values, shares = append(values, f.Value), append(shares, f.Share())
			if f.Note != "" {
				s.Note = f.Note
			}
		}
		s.Value, s.Share = Median(values), Median(shares)
		s.Least, s.Most = slices.Min(values), slices.Max(values)
		summaries = append(summaries, s)
	}
	return summaries
}

// Median is the middle of values, or the mean of the two in the middle; of none it is
// NaN. It leaves values as they are.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Percentile is the least of sorted durations that p percent of them do not exceed,
// for p from 0 to 100; of none it is 0.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
