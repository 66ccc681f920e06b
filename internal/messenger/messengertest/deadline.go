package messengertest

import (
	"context"
	"net/http"
	"testing"
)

// roundTrip is a transport by a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A Deadline is a context whose deadline passes when the test decides.
type Deadline struct {
	context.Context
	passed chan struct{}
}

// NewDeadline returns a context whose deadline has not passed.
func NewDeadline(t *testing.T) Deadline {
	t.Helper()
	return Deadline{t.Context(), make(chan struct{})}
}

// Pass lets the deadline pass. It must be called at most once.
func (d Deadline) Pass() { close(d.passed) }

// Done returns a channel that is closed when the deadline passes.
func (d Deadline) Done() <-chan struct{} { return d.passed }

// Err returns context.DeadlineExceeded after the deadline has passed.
func (d Deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
