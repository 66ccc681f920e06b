package sender

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// alertTimeout is how long the alert service may take to respond before the sender takes no
// more jobs, and nacks unclaimed in-flight messages.
const alertTimeout = time.Second

// errAlertTimeout is returned if the alert service did not respond within alertTimeout.
var errAlertTimeout = errors.New("alert service timeout")

// An alertLink is the connection state of the alert service, one for all pipelines: it is down
// while a call has been pending for longer than alertTimeout. Pending calls are retried,
// which detects that the alert service is back. It is safe for concurrent use.
type alertLink struct {
	log *slog.Logger

	mu     sync.Mutex
	slow   int           // calls pending for longer than alertTimeout
	since  time.Time     // when it went down
	isUp   chan struct{} // closed while it is up
	isDown chan struct{} // closed while it is down
}

func newAlertLink(log *slog.Logger) *alertLink {
	l := &alertLink{log: log, isUp: make(chan struct{}), isDown: make(chan struct{})}
	close(l.isUp)
	return l
}

// A pendingCall is a pending call to the alert service.
type pendingCall struct {
	link  *alertLink
	op    string // its name in logs
	timer *time.Timer

	// Guarded by the mutex of the link.
	slow, ended bool  // slow: it has been pending for longer than alertTimeout
	err         error // of the last try
}

// begin begins a call. Its end must be called.
func (l *alertLink) begin(op string) *pendingCall {
	c := &pendingCall{link: l, op: op}
	c.timer = time.AfterFunc(alertTimeout, c.markSlow)
	return c
}

// markSlow records that the call has been pending for longer than alertTimeout.
func (c *pendingCall) markSlow() {
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.ended {
		return
	}
	c.slow = true
	if l.slow++; l.slow > 1 {
		return
	}
	l.since = time.Now()
	l.isUp = make(chan struct{})
	close(l.isDown)
	l.log.Warn("alert service does not respond, nacking jobs and taking none until it does", "op", c.op, "error", c.err)
}

// fail records the error of a try.
func (c *pendingCall) fail(err error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.err = err
}

// end ends the call: it succeeded, or is no longer needed.
func (c *pendingCall) end() {
	c.timer.Stop()
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	c.ended = true
	if !c.slow {
		return
	}
	if l.slow--; l.slow > 0 {
		return
	}
	l.isDown = make(chan struct{})
	close(l.isUp)
	l.log.Info("alert service responds again, taking jobs", "after", time.Since(l.since).Round(time.Millisecond))
}

// up returns a channel that is closed while the link is up.
func (l *alertLink) up() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isUp
}

// down returns a channel that is closed while the link is down.
func (l *alertLink) down() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isDown
}
