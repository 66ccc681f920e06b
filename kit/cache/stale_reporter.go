package cache

import (
	"log/slog"
	"time"
)

// A staleReporter logs that the cache has not been fresh for long, and that it is again.
type staleReporter struct {
	log      *slog.Logger
	since    time.Time // when the cache was fresh for the last time
	reported bool
}

// observe takes note of whether the cache is fresh now.
func (r *staleReporter) observe(fresh bool) {
	now := time.Now()
	switch {
	case !fresh && !r.reported && now.Sub(r.since) > reportAfter:
		r.log.Warn("cache not in use: NATS or another process that caches cannot be reached")
		r.reported = true
	case fresh:
		if r.reported {
			r.log.Info("cache in use again")
		}
		r.reported, r.since = false, now
	}
}
