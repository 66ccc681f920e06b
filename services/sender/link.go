package sender

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// answerTime is how long the alert service may take to respond before the sender takes no
// more jobs, and nacks unclaimed in-flight messages.
const answerTime = time.Second

// errUnanswered is returned if the alert service did not respond within answerTime.
var errUnanswered = errors.New("alert service timeout")

// link is the connection state of the alert service, one for all pipelines: it is down
// while a call has been pending for longer than answerTime. Pending calls are retried,
// which detects that the alert service is back. It is safe for concurrent use.
type link struct {
	log *slog.Logger

	mu     sync.Mutex
	silent int           // calls pending for longer than answerTime
	since  time.Time     // when it went down
	isUp   chan struct{} // closed while it is up
	isDown chan struct{} // closed while it is down
}

func newLink(log *slog.Logger) *link {
	l := &link{log: log, isUp: make(chan struct{}), isDown: make(chan struct{})}
	close(l.isUp)
	return l
}

// A question is a pending call to the alert service.
type question struct {
	link  *link
	what  string
	timer *time.Timer

	// Guarded by the mutex of the link.
	silent, answered bool
	err              error // of the last try
}

// ask begins a call. Its end must be called.
func (l *link) ask(what string) *question {
	q := &question{link: l, what: what}
	q.timer = time.AfterFunc(answerTime, q.wait)
	return q
}

// wait records that the call has been pending for long.
func (q *question) wait() {
	l := q.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.answered {
		return
	}
	q.silent = true
	if l.silent++; l.silent > 1 {
		return
	}
	l.since = time.Now()
	l.isUp = make(chan struct{})
	close(l.isDown)
	l.log.Warn("alert service does not respond, nacking jobs and taking none until it does", "op", q.what, "error", q.err)
}

// failed records the error of a try.
func (q *question) failed(err error) {
	q.link.mu.Lock()
	defer q.link.mu.Unlock()
	q.err = err
}

// end ends the call: it succeeded, or is no longer needed.
func (q *question) end() {
	q.timer.Stop()
	l := q.link
	l.mu.Lock()
	defer l.mu.Unlock()
	q.answered = true
	if !q.silent {
		return
	}
	if l.silent--; l.silent > 0 {
		return
	}
	l.isDown = make(chan struct{})
	close(l.isUp)
	l.log.Info("alert service responds again, taking jobs", "after", time.Since(l.since).Round(time.Millisecond))
}

// up returns a channel that is closed while the link is up.
func (l *link) up() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isUp
}

// down returns a channel that is closed while the link is down.
func (l *link) down() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isDown
}

// answered makes a call, and returns errUnanswered if there is no response within
// answerTime. Then the call is retried in the background until a grace period after ctx
// ended, and its response is passed to late.
func answered[T any](ctx context.Context, l *lane, what string, ask func(context.Context) (T, error), late func(context.Context, T)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	asking, cancel := outlive(ctx, lastClaim)
	first := make(chan answer) // received by the caller, or not at all
	gone := make(chan struct{})
	l.asking.Go(func() {
		defer cancel()
		value, err := insist(asking, l.link, what, func() (T, error) { return ask(asking) })
		select {
		case first <- answer{value, err}:
		case <-gone:
			if err == nil {
				late(asking, value)
			}
		}
	})
	patience := time.NewTimer(answerTime + 20*time.Millisecond) // the link is down by then
	defer patience.Stop()
	select {
	case a := <-first:
		return a.value, a.err
	case <-patience.C:
		close(gone)
		var none T
		return none, errUnanswered
	}
}
