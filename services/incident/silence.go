package incident

import (
	"context"
	"time"
)

const (
	// MaxSilences is the maximum number of silences that have not ended. Each alert is matched
	// against all of them.
	MaxSilences = 500
	// silenceRetention is how long a silence is kept after its end.
	silenceRetention = 30 * 24 * time.Hour
)

// A Silence holds back firing alerts that match all of its matchers, from Start until before End.
type Silence struct {
	ID         int64
	Matchers   []string
	Start, End time.Time
	CreateTime time.Time
	Reason     string
	Author     string // empty if unknown
}

// SilenceState is the state of a silence at a time.
type SilenceState int

// The states of a silence.
const (
	SilencePending SilenceState = iota + 1 // it begins later
	SilenceActive                          // it applies
	SilenceExpired                         // it has ended
)

// State returns the state of the silence at now.
func (s Silence) State(now time.Time) SilenceState {
	switch {
	case !now.Before(s.End):
		return SilenceExpired
	case now.Before(s.Start):
		return SilencePending
	}
	return SilenceActive
}

// A SilenceQuery selects silences that end after EndAfter, up to the one with the end BeforeEnd and
// the id BeforeID, which are zero for the first page.
type SilenceQuery struct {
	EndAfter  time.Time
	BeforeEnd time.Time
	BeforeID  int64
	Limit     int // at least 1
}

// Silences stores silences. Each change has a revision above the one before it, also after the
// database was emptied, unless the clock was set back.
type Silences interface {
	// AddSilence stores a silence and returns it with its id, which is greater than 0 and never
	// used again. It deletes silences that ended at or before expired. If there are limit
	// silences that end after its create time, it must return fault.ErrExhausted.
	AddSilence(ctx context.Context, s Silence, expired time.Time, limit int) (Silence, error)
	// Silence returns a silence. It must return fault.ErrNotFound if there is none.
	Silence(ctx context.Context, id int64) (Silence, error)
	// ListSilences returns silences, those that end last first.
	ListSilences(ctx context.Context, q SilenceQuery) ([]Silence, error)
	// ExpireSilence ends a silence at now, unless it has ended, and returns it. One that has not
	// begun begins and ends at now. It must return fault.ErrNotFound if there is none.
	ExpireSilence(ctx context.Context, id int64, now time.Time) (Silence, error)
	// SilenceRevision returns the revision of the last change; 0 for none.
	SilenceRevision(ctx context.Context) (int64, error)
	// ActiveSilences returns the silences that end after now, by id, and their revision.
	ActiveSilences(ctx context.Context, now time.Time) (revision int64, silences []Silence, err error)
}
