package sender

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// answerTime is how long the alert service may take to answer before the sender takes no
// more jobs, and gives back those in hand that are not claimed.
const answerTime = time.Second

// errUnanswered says that the alert service did not answer within answerTime.
var errUnanswered = errors.New("the alert service does not answer")

// A link is the way to the alert service, one for all lanes: it is down while something
// has been asked for longer than answerTime and is not answered. What is asked goes on being
// asked, and so finds out when the alert service is back. A link is safe for concurrent use.
type link struct {
	log *slog.Logger

	mu     sync.Mutex
	silent int           // questions that have waited for longer than answerTime
	since  time.Time     // when it went down
	isUp   chan struct{} // closed while it is up
	isDown chan struct{} // closed while it is down
}

func newLink(log *slog.Logger) *link {
	l := &link{log: log, isUp: make(chan struct{}), isDown: make(chan struct{})}
	close(l.isUp)
	return l
}

// A question is something that the alert service is asked, until it is answered.
type question struct {
	link  *link
	what  string
	timer *time.Timer

	// Under the mutex of the link.
	silent, answered bool
	err              error // of the last try
}

// ask begins a question. Its end must be called.
func (l *link) ask(what string) *question {
	q := &question{link: l, what: what}
	q.timer = time.AfterFunc(answerTime, q.wait)
	return q
}

// wait takes note that the question has waited for long.
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
	l.log.Warn("the alert service does not answer; jobs are given back, and none are taken until it does", "asked", q.what, "error", q.err)
}

// failed takes note why a try of it failed.
func (q *question) failed(err error) {
	q.link.mu.Lock()
	defer q.link.mu.Unlock()
	q.err = err
}

// end ends it: it is answered, or nobody needs it any more.
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
	l.log.Info("the alert service answers again; jobs are taken", "after", time.Since(l.since).Round(time.Millisecond))
}

// up is closed while the link is up.
func (l *link) up() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isUp
}

// down is closed while the link is down.
func (l *link) down() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isDown
}

// answered asks something, and returns errUnanswered where there is no answer within
// answerTime. Then it is asked on, until ctx ended a while ago, and the answer goes to late.
func answered[T any](ctx context.Context, l *lane, what string, ask func(context.Context) (T, error), late func(context.Context, T)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	asking, cancel := outlive(ctx, lastClaim)
	first := make(chan answer) // taken by the caller, or by nobody
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
	patience := time.NewTimer(answerTime + 20*time.Millisecond) // the link is down then
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
