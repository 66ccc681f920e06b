package ratelimit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Rate is a rate limit: Count calls in Per, evenly spread. The zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
	Burst int // how many calls are allowed at once after a rest; 0 means 1
}

// Limited reports whether the rate limits anything.
func (r Rate) Limited() bool { return r.Count > 0 && r.Per > 0 }

// Interval returns the time between two calls; 0 if there is no limit.
func (r Rate) Interval() time.Duration {
	if !r.Limited() {
		return 0
	}
	return max(r.Per/time.Duration(r.Count), time.Microsecond)
}

// Implies reports whether calls within r are also within the other rate.
func (r Rate) Implies(other Rate) bool {
	return !other.Limited() || r.Limited() && r.Interval() >= other.Interval() && max(r.Burst, 1) <= max(other.Burst, 1)
}

// String returns the rate in the form of ParseRate.
func (r Rate) String() string {
	if !r.Limited() {
		return "off"
	}
	for word, per := range periods {
		if per == r.Per {
			return strconv.Itoa(r.Count) + "/" + word
		}
	}
	return strconv.Itoa(r.Count) + "/" + r.Per.String()
}

var periods = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

// ParseRate parses a rate: "10/s", "600/m", "1000/h", or "off".
func ParseRate(text string) (Rate, error) {
	if text == "off" {
		return Rate{}, nil
	}
	count, word, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	per, ok := periods[word]
	if err != nil || !ok || n < 1 || n > 100_000 {
		return Rate{}, fmt.Errorf("invalid rate limit %q: must be a number from 1 to 100000 per period, such as 10/s, 600/m or 1000/h, or off", text)
	}
	return Rate{Count: n, Per: per}, nil
}
