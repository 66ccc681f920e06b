package mockup

import (
	"math"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// maxKept is how many limiters, and how many memories, are kept before they begin
// anew.
const maxKept = 100_000

// SetLimited makes the fakes keep their providers' limits from now on, from full
// buckets, or no more.
func (m *Mockup) SetLimited(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited, m.limiters, m.stops = on, nil, nil
}

// keepsLimits says whether SetLimited is on.
func (m *Mockup) keepsLimits() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.limited
}

// spend takes one call from what a provider counts under key: perSecond on average,
// burst at once. It answers with 0, or with how long the caller must wait and has
// spent nothing. Where the limits are not kept it is always 0.
func (m *Mockup) spend(key string, perSecond float64, burst int) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.limited {
		return 0
	}
	if m.limiters == nil || len(m.limiters) >= maxKept {
		m.limiters = map[string]*rate.Limiter{}
	}
	limiter, is := m.limiters[key]
	if !is {
		limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
		m.limiters[key] = limiter
	}
	now := m.Now()
	reserved := limiter.ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// stop has a key wait, whatever is left under it. Where the limits are not kept
// nothing waits.
func (m *Mockup) stop(key string, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stops == nil || len(m.stops) >= maxKept {
		m.stops = map[string]time.Time{}
	}
	m.stops[key] = m.Now().Add(wait)
}

// stopped is how long a key must wait still.
func (m *Mockup) stopped(key string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.limited {
		return 0
	}
	return max(m.stops[key].Sub(m.Now()), 0)
}

// left is how many calls could be made now under a key that was spent from.
func (m *Mockup) left(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if limiter, is := m.limiters[key]; is {
		return max(int(limiter.TokensAt(m.Now())), 0)
	}
	return 0
}

// remember keeps value under key, and answers with what was kept before.
func (m *Mockup) remember(key, value string) (before string, is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before, is = m.memory[key]; is {
		return before, true
	}
	if m.memory == nil || len(m.memory) >= maxKept {
		m.memory = map[string]string{}
	}
	m.memory[key] = value
	return "", false
}

// seconds is a wait as most Retry-After headers say it: whole, never less.
func seconds(wait time.Duration) string {
	return strconv.Itoa(int(math.Ceil(wait.Seconds())))
}
