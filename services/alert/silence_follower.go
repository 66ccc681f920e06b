package alert

import (
	"context"
	"log/slog"
	"time"
)

// A SilenceSnapshot holds the silences that have not ended, at a revision.
type SilenceSnapshot struct {
	Revision int64
	Silences []Silence
}

// A SilenceFeed returns the silences that have not ended.
type SilenceFeed interface {
	// Silences returns a snapshot whose revision differs from revision, 0 for none. Without
	// one it waits, for at most half a minute, and returns a snapshot of the same revision,
	// which may have no silences.
	Silences(ctx context.Context, revision int64) (SilenceSnapshot, error)
}

// A SilenceFollower keeps a SilenceSet as its feed has it. While the feed is unavailable, the set
// keeps its silences, which end at their time.
type SilenceFollower struct {
	Feed SilenceFeed
	Set  *SilenceSet
	Log  *slog.Logger
}

// Run follows the feed until ctx ends.
func (f *SilenceFollower) Run(ctx context.Context) error {
	var backoff queueBackoff
	revision, failed := int64(0), false
	for ctx.Err() == nil {
		snapshot, err := f.Feed.Silences(ctx, revision)
		if err == nil {
			if snapshot.Revision != revision {
				f.Set.Replace(snapshot.Silences)
				f.Log.Debug("silences changed", "count", len(snapshot.Silences))
			}
			if failed {
				f.Log.Info("silences are followed again")
			}
			revision, failed = snapshot.Revision, false
			backoff.reset()
			continue
		}
		if !failed && ctx.Err() == nil {
			level := slog.LevelWarn
			if revision == 0 { // there may be no incident service
				level = slog.LevelInfo
			}
			f.Log.Log(ctx, level, "silences cannot be read: those that are known apply", "error", err)
			failed = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff.wait()):
		}
	}
	return nil
}
