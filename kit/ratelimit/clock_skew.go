package ratelimit

import (
	"log/slog"
	"sync"
	"time"
)

const (
	// maxClockSkew is the allowed clock skew between processes: a state that was written
	// later than that from now was written by a wrong clock, or the local clock is wrong.
	maxClockSkew = 5 * time.Second
	// maxPause is the maximum duration of a pause, longer than any that a called service
	// may request.
	maxPause = 366 * 24 * time.Hour
	// skewLogInterval is the minimum interval between two log messages about reset states.
	skewLogInterval = time.Minute
)

// isFromFuture reports whether no correct clock can have written the state: it was written in
// the future, or, if its write time is unknown, its next slot is beyond the horizon.
func (st *state) isFromFuture(now int64) bool {
	if st.WriteTime != 0 {
		return st.WriteTime > now+maxClockSkew.Microseconds()
	}
	// A run of urgent slots may move ordinary slots by its own length.
	return st.Next > max(now, st.PausedUntil)+2*(maxAhead.Microseconds()+st.Interval)+st.Urgent*st.Interval ||
		st.PausedUntil > now+maxPause.Microseconds()
}

// reset resets a state that is ahead; its slots are void. A pause that was set by the
// same clock lasts as long as requested, from now; an earlier pause keeps its end. A refused
// key is probed again.
func (st *state) reset(now int64) {
	fresh := state{Code: st.Code}
	until := st.PausedUntil
	if st.PausedFrom > now+maxClockSkew.Microseconds() {
		until = now + st.PausedUntil - st.PausedFrom
	}
	if until > now && until <= now+maxPause.Microseconds() {
		fresh.PausedFrom, fresh.PausedUntil, fresh.Resume, fresh.PauseCode = now, until, until, st.PauseCode
	}
	*st = fresh
}

// asOf returns the state as of now: reset if it is ahead.
func (c *cachedState) asOf(now int64) *cachedState {
	if !c.isFromFuture(now) {
		return c
	}
	fresh := *c
	fresh.reset(now)
	return &fresh
}

// skewLog logs reset states at most once per skewLogInterval: after a clock correction all
// states are reset. It is safe for concurrent use.
type skewLog struct {
	log *slog.Logger

	mu         sync.Mutex
	logged     time.Time
	suppressed int // resets since the last log message
}

func (l *skewLog) record(id string, ahead time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since := now.Sub(l.logged); since >= 0 && since < skewLogInterval {
		l.suppressed++
		return
	}
	l.log.Error("limiter state was written by a clock that is ahead, resetting it: check the clocks of all processes that use it",
		"key", id, "ahead", ahead, "suppressed", l.suppressed)
	l.logged, l.suppressed = now, 0
}
