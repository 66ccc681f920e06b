package figure_test

import (
	"math"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
)

func TestMedian(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{5, 1, 3}, 3},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{9, 9, 1, 1, 5}, 5},
	} {
		first := row.values[0]
		if got := figure.Median(row.values); got != row.want || row.values[0] != first {
			t.Errorf("the median of %v is %v, want %v", row.values, got, row.want)
		}
	}
	if got := figure.Median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, row := range []struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{hundred, 0, 1},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
		{hundred, 100, 100},
		{hundred[:1], 99, 1},
		{hundred[:10], 99, 10},
		{hundred[:10], 50, 5},
		{nil, 50, 0},
	} {
		if got := figure.Percentile(row.sorted, row.p); got != row.want {
			t.Errorf("the %vth percentile of %d is %d, want %d", row.p, len(row.sorted), got, row.want)
		}
	}
}

func TestShare(t *testing.T) {
	for _, row := range []struct {
		figure figure.Figure
		want   float64
	}{
		{figure.Figure{Value: 3, Of: "post", Whole: 12}, 0.25},
		{figure.Figure{Value: 3, Whole: 12}, 0},
		{figure.Figure{Value: 3, Of: "post"}, 0},
	} {
		if got := row.figure.Share(); got != row.want {
			t.Errorf("%+v is a share of %v, want %v", row.figure, got, row.want)
		}
	}
}

// TestSummarize checks that the share is the median of the shares of each run, not a share
// of medians of different runs.
func TestSummarize(t *testing.T) {
	got := figure.Summarize([]figure.Figure{
		{Name: "b", Unit: "/s", Value: 10, Of: "a", Whole: 100},
		{Name: "c", Unit: "ms", Value: 7, Note: "once"},
		{Name: "b", Unit: "/s", Value: 40, Of: "a", Whole: 50},
		{Name: "b", Unit: "/s", Value: 20, Of: "a", Whole: 40},
	})
	want := []figure.Summary{
		{Name: "b", Unit: "/s", Value: 20, Least: 10, Most: 40, Of: "a", Share: 0.5, Runs: 3},
		{Name: "c", Unit: "ms", Value: 7, Least: 7, Most: 7, Runs: 1, Note: "once"},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
