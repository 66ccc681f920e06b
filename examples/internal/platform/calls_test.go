package platform

import (
	"context"
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

func exhausted(retryAfter string) error {
	err := connect.NewError(connect.CodeResourceExhausted, errors.New("too many requests"))
	if retryAfter != "" {
		err.Meta().Set("Retry-After", retryAfter)
	}
	return err
}

func TestDelayOf(t *testing.T) {
	for header, want := range map[string]time.Duration{"": retryDelay, "0": retryDelay, "soon": retryDelay, "3": 3 * time.Second} {
		kittest.Equal(t, delayOf(exhausted(header)), want)
	}
	kittest.Equal(t, delayOf(errors.New("no error of a call")), retryDelay)
}

// TestRetry repeats a call that cannot be served yet, and no other.
func TestRetry(t *testing.T) {
	errs := []error{exhausted(""), connect.NewError(connect.CodeUnavailable, nil), connect.NewError(connect.CodeUnimplemented, nil), nil}
	calls := 0
	call := func(_ context.Context, req *int) (*int, error) {
		err := errs[calls]
		calls++
		return req, err
	}
	req := 7
	res, err := Retry(t.Context(), call, &req)
	kittest.NoError(t, err)
	kittest.Equal(t, *res, 7)
	kittest.Equal(t, calls, len(errs))

	calls, errs = 0, []error{connect.NewError(connect.CodeInvalidArgument, nil)}
	_, err = Retry(t.Context(), call, &req)
	kittest.Equal(t, connect.CodeOf(err), connect.CodeInvalidArgument)

	calls, errs = 0, []error{connect.NewError(connect.CodeAlreadyExists, nil)}
	kittest.NoError(t, Create(t.Context(), call, &req))

	ctx, stop := context.WithCancel(t.Context())
	stop()
	calls, errs = 0, []error{connect.NewError(connect.CodeUnavailable, nil)}
	_, err = Retry(ctx, call, &req)
	kittest.Equal(t, connect.CodeOf(err), connect.CodeUnavailable)
}
