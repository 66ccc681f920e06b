package edge

import (
	"fmt"
	"math"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// The headers of rate limits in the form of Go
// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/).
const (
	rateLimitHeader       = "Ratelimit"
	rateLimitPolicyHeader = "Ratelimit-Policy"
)

// rateHeaders are the values of the headers of one rate limit. They are made once, so that a
// response costs no allocation; responses only read them.
type rateHeaders struct {
	policy    []string
	remaining [][]string // by the number of remaining requests, up to the burst
}

// newRateHeaders returns the headers of a rate with a name. The policy is the burst in the
// time in which it is full again.
func newRateHeaders(name string, rate ratelimit.Rate) rateHeaders {
	burst := burstOf(rate)
	perSecond := float64(rate.Count) / rate.Per.Seconds()
	h := rateHeaders{
		policy:    []string{fmt.Sprintf("%q;q=%d;w=%d", name, burst, wholeSeconds(time.Duration(float64(burst)/perSecond*float64(time.Second))))},
		remaining: make([][]string, min(burst, maxRateHeaders)+1),
	}
	for left := range h.remaining {
		h.remaining[left] = []string{fmt.Sprintf("%q;r=%d;t=%d", name, left, int(math.Ceil(float64(burst-left)/perSecond)))}
	}
	return h
}

// maxRateHeaders is the largest number of remaining requests that a header names. A larger one
// is named as this.
const maxRateHeaders = 1000

// of returns the value of RateLimit for a number of remaining requests.
func (h rateHeaders) of(tokens float64) []string {
	return h.remaining[min(max(int(tokens), 0), len(h.remaining)-1)]
}

// burstOf returns how many requests a rate limit allows at once after a rest: twice its count.
func burstOf(rate ratelimit.Rate) int { return 2 * rate.Count }
