// Package quiethours parses and evaluates the quiet hours of a user: the times at which only urgent alerts
// reach the user, and the others wait. The intervals are those of Alertmanager, in its notation
// and by its library.
package quiethours

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// MaxIntervals is the maximum number of intervals of Hours.
	MaxIntervals = 20
	// MaxTimes is the maximum number of time ranges of an Interval.
	MaxTimes = 10
	// MaxWeekdays is the maximum number of weekday ranges of an Interval.
	MaxWeekdays = 7
)

// Hours is the quiet hours of a user, as text.
type Hours struct {
	Intervals   []Interval `json:"intervals"`
	TimeZone    string     `json:"time_zone"`    // of the IANA database, such as Asia/Seoul
	MinSeverity string     `json:"min_severity"` // name of the lowest rank that gets through; empty: critical
}

// An Interval is the times at which one of Times and one of Weekdays holds. An empty list holds
// always.
type Interval struct {
	Weekdays []string    `json:"weekdays,omitempty"` // such as saturday or monday:friday
	Times    []TimeRange `json:"times,omitempty"`
}

// A TimeRange is a range of a day, without its end.
type TimeRange struct {
	Start string `json:"start_time"` // such as 22:00
	End   string `json:"end_time"`   // after Start; at most 24:00
}

// Accept returns h with its defaults. It returns fault.ErrInvalid, with the field, unless h can be
// parsed.
func (h Hours) Accept() (*Hours, error) {
	h.MinSeverity = cmp.Or(h.MinSeverity, job.Critical.String())
	if _, err := Parse(h); err != nil {
		return nil, err
	}
	return &h, nil
}

// minRank returns the lowest rank that gets through.
func (h Hours) minRank() (job.Rank, error) {
	for _, r := range []job.Rank{job.Critical, job.High, job.Normal} {
		if h.MinSeverity == r.String() {
			return r, nil
		}
	}
	if h.MinSeverity == "" {
		return job.Critical, nil
	}
	return 0, fault.InvalidField("min_severity", "must be critical, high or normal, not %q", h.MinSeverity)
}

// Encode returns h as JSON, empty for nil. Equal hours have the same text.
func Encode(h *Hours) string {
	if h == nil {
		return ""
	}
	text, err := json.Marshal(h)
	if err != nil {
		panic(err) // strings only
	}
	return string(text)
}

// Decode returns the hours that were encoded as text; nil for an empty text.
func Decode(text string) (*Hours, error) {
	if text == "" {
		return nil, nil
	}
	h := &Hours{}
	if err := json.Unmarshal([]byte(text), h); err != nil {
		return nil, fmt.Errorf("decode quiet hours: %w", err)
	}
	return h, nil
}
