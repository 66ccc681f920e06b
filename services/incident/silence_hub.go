package incident

import (
	"context"
	"sync"
	"time"
)

const (
	// silenceWait is how long a call for changed silences waits for a change.
	silenceWait = 20 * time.Second
	// silencePoll is the time between two reads of the revision while a call waits, where other
	// processes may change silences.
	silencePoll = 500 * time.Millisecond
)

// A SilenceHub notifies the calls of this process that wait for changed silences. It is safe for
// concurrent use.
type SilenceHub struct {
	silences Silences
	shared   bool            // other processes may change silences
	stopping <-chan struct{} // nil for never

	mu   sync.Mutex
	next chan struct{} // is closed at the next change
}

// NewSilenceHub returns a hub. shared is whether other processes may change silences, too. Calls
// that wait end with fault.ErrUnavailable when stopping is closed.
func NewSilenceHub(silences Silences, shared bool, stopping <-chan struct{}) *SilenceHub {
	return &SilenceHub{silences: silences, shared: shared, stopping: stopping, next: make(chan struct{})}
}

// Changed notifies all calls.
func (h *SilenceHub) Changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.next)
	h.next = make(chan struct{})
}

func (h *SilenceHub) nextChange() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next
}

// wait waits until the revision differs from revision, at most silenceWait.
func (h *SilenceHub) wait(ctx context.Context, revision int64) error {
	end := time.NewTimer(silenceWait)
	defer end.Stop()
	var poll <-chan time.Time
	if h.shared {
		ticker := time.NewTicker(silencePoll)
		defer ticker.Stop()
		poll = ticker.C
	}
	for {
		next := h.nextChange()
		last, err := h.silences.SilenceRevision(ctx)
		if err != nil || last != revision {
			return err
		}
		select {
		case <-next:
		case <-poll:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-h.stopping:
			return errStopping
		}
	}
}
