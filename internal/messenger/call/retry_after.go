package call

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds the wait that a provider can request, so that additions to it do not
// overflow. It is far longer than any time to live.
const maxRetryAfter = 365 * 24 * time.Hour

// RetryAfter parses a Retry-After header: seconds, as an integer or with a fraction, or
// an HTTP date. It returns whole milliseconds, rounded up, and 0 for a date in the past
// and for an invalid value.
func RetryAfter(value string, now time.Time) time.Duration {
	if value = strings.TrimSpace(value); value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil && !math.IsInf(seconds, 1) { // Inf: a number too large for a float
			return 0
		}
		if seconds >= maxRetryAfter.Seconds() {
			return maxRetryAfter
		}
		return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	wait := min(max(at.Sub(now), 0), maxRetryAfter)
	return (wait + time.Millisecond - 1).Truncate(time.Millisecond)
}
