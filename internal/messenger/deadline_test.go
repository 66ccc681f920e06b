package messenger

import (
	"context"
	"net/http"
	"testing"
)

// roundTrip is a transport by a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A deadline is a context whose deadline passes when the test decides.
type deadline struct {
	context.Context
	passed chan struct{}
}

func newDeadline(t *testing.T) deadline {
	t.Helper()
	return deadline{t.Context(), make(chan struct{})}
}

func (d deadline) pass() { close(d.passed) }

func (d deadline) Done() <-chan struct{} { return d.passed }

func (d deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
