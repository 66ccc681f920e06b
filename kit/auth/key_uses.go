package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// recordInterval is how often uses of keys are recorded.
	recordInterval = 10 * time.Second
	// recordTimeout is the timeout of recording them.
	recordTimeout = 5 * time.Second
	// maxKeyUses is the maximum number of keys whose uses wait to be recorded.
	maxKeyUses = 10_000
)

// A KeyUse is when a key was last used.
type KeyUse struct {
	ID   string
	Time time.Time
}

// A KeyUseRecorder stores when keys were used.
type KeyUseRecorder interface {
	// RecordKeyUses stores the uses of at most 10,000 different keys.
	RecordKeyUses(ctx context.Context, uses []KeyUse) error
}

// KeyUses collects the uses of keys and records them in batches. While they cannot be
// recorded it keeps those of 10,000 keys, and drops further ones. Its methods may be called
// concurrently.
type KeyUses struct {
	recorder KeyUseRecorder
	log      *slog.Logger
	mu       sync.Mutex
	last     map[string]time.Time // by id
}

// NewKeyUses returns a KeyUses that records by recorder while Run runs.
func NewKeyUses(recorder KeyUseRecorder, log *slog.Logger) *KeyUses {
	return &KeyUses{recorder: recorder, log: log, last: map[string]time.Time{}}
}

// Add notes that a key is used at a time.
func (u *KeyUses) Add(id string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, ok := u.last[id]; ok && !last.Before(at) || !ok && len(u.last) >= maxKeyUses {
		return
	}
	u.last[id] = at
}

// Run records uses every 10 s until ctx is done, and then the rest. It returns nil.
func (u *KeyUses) Run(ctx context.Context) error {
	ticks := time.NewTicker(recordInterval)
	defer ticks.Stop()
	failing := false
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
		err := u.record(context.WithoutCancel(ctx))
		switch {
		case err != nil && !failing:
			u.log.Warn("recording the uses of API keys failed; retrying", "error", err)
		case err == nil && failing:
			u.log.Info("recording the uses of API keys works again")
		}
		failing = err != nil
		if ctx.Err() != nil {
			return nil
		}
	}
}

// record records the collected uses. If that fails, it keeps them.
func (u *KeyUses) record(ctx context.Context) error {
	u.mu.Lock()
	taken := u.last
	u.last = map[string]time.Time{}
	u.mu.Unlock()
	if len(taken) == 0 {
		return nil
	}
	uses := make([]KeyUse, 0, len(taken))
	for id, at := range taken {
		uses = append(uses, KeyUse{ID: id, Time: at})
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := u.recorder.RecordKeyUses(ctx, uses)
	if err != nil {
		for _, use := range uses {
			u.Add(use.ID, use.Time)
		}
	}
	return err
}
