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

func NewDeadline(t *testing.T) Deadline {
	t.Helper()
	return Deadline{t.Context(), make(chan struct{})}
}

func (d Deadline) Pass() { close(d.passed) }

func (d Deadline) Done() <-chan struct{} { return d.passed }

func (d Deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
