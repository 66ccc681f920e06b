// Package figure computes figures of measurements, their medians over runs, and their
// shares of one another.
package figure

import (
	"math"
	"slices"
	"time"
)

// A Figure is one measurement of one run.
type Figure struct {
	Name  string  // such as deliver/1; the same in every run
	Value float64 // in Unit
	Unit  string  // unit of Value, such as alerts/s, ms or MiB
	Of    string  // name of the figure that this is a share of, or empty
	Whole float64 // value of that figure, measured beside this one in the same run
	Note  string  // remark for the reader; may be empty
}

// Share returns the figure as a share of its whole, or 0 if it has none.
func (f Figure) Share() float64 {
	if f.Of == "" || f.Whole == 0 {
		return 0
	}
	return f.Value / f.Whole
}

// A Summary is a figure over several runs.
type Summary struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`           // the median
	Least float64 `json:"least"`           // of all runs
	Most  float64 `json:"most"`            // of all runs
	Of    string  `json:"of,omitempty"`    // the figure that Share is a share of
	Share float64 `json:"share,omitempty"` // the median of the shares, each within its run
	Runs  int     `json:"runs"`            // number of runs that measured it
	Note  string  `json:"note,omitempty"`  // of the last run with one
}

// Summarize returns the medians of figures with the same name, in the order of first
// occurrence.
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

// Median returns the middle of values, or the mean of the two in the middle; NaN for
// none. It does not change values.
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

// Percentile returns the smallest of sorted durations that p percent of them do not
// exceed, for p from 0 to 100; 0 for none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
