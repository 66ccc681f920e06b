package mockup

import (
	"math"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// maxLimiters is the maximum number of limiters, and of other entries in memory; at the
// maximum all are deleted.
const maxLimiters = 100_000

// SetLimited makes the fakes enforce their providers' rate limits, from full buckets,
// or stops it.
func (m *Mockup) SetLimited(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited, m.limiters, m.stops = on, nil, nil
}

// keepsLimits reports whether rate limits are enforced.
func (m *Mockup) keepsLimits() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.limited
}

// takeLimit takes one call from the rate limit of key: perSecond on average, burst at once.
// It returns 0, or how long the caller must wait, in which case nothing is taken. If
// limits are not enforced it returns 0.
func (m *Mockup) takeLimit(key string, perSecond float64, burst int) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.limited {
		return 0
	}
	if m.limiters == nil || len(m.limiters) >= maxLimiters {
		m.limiters = map[string]*rate.Limiter{}
	}
	limiter, ok := m.limiters[key]
	if !ok {
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

// pauseKey pauses a key, whatever is left of its rate limit. If limits are not enforced the
// pause has no effect.
func (m *Mockup) pauseKey(key string, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stops == nil || len(m.stops) >= maxLimiters {
		m.stops = map[string]time.Time{}
	}
	m.stops[key] = m.Now().Add(wait)
}

// pausedFor returns the rest of the pause of a key.
func (m *Mockup) pausedFor(key string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.limited {
		return 0
	}
	return max(m.stops[key].Sub(m.Now()), 0)
}

// remaining returns the number of calls that are available now under a key, after takeLimit.
func (m *Mockup) remaining(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if limiter, ok := m.limiters[key]; ok {
		return max(int(limiter.TokensAt(m.Now())), 0)
	}
	return 0
}

// recall returns the value of remember under key.
func (m *Mockup) recall(key string) (value string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok = m.memory[key]
	return value, ok
}

// remember stores value under key, and reports whether the key exists: then it stores nothing.
func (m *Mockup) remember(key, value string) (is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, is := m.memory[key]; is {
		return true
	}
	if m.memory == nil || len(m.memory) >= maxLimiters {
		m.memory = map[string]string{}
	}
	m.memory[key] = value
	return false
}

// seconds returns a wait as most Retry-After headers have it: in whole seconds, rounded
// up.
func seconds(wait time.Duration) string {
	return strconv.Itoa(int(math.Ceil(wait.Seconds())))
}
