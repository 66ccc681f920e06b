package rpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

func TestOutsideError(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		code    connect.Code
		message string
	}{
		{"invalid", fault.Invalidf("malformed target x"), connect.CodeInvalidArgument, "malformed target x"},
		{"not found", fault.NotFoundf("group 7 not found"), connect.CodeNotFound, "group 7 not found"},
		{"exists", fault.Existsf("group a already exists"), connect.CodeAlreadyExists, "group a already exists"},
		{"denied", fault.Deniedf("not the head of the club"), connect.CodePermissionDenied, "not the head of the club"},
		{"unauthenticated", fault.Unauthenticatedf("wrong password"), connect.CodeUnauthenticated, "wrong password"},
		{"unavailable", fault.Unavailablef("ledger unavailable; try again"), connect.CodeUnavailable, "ledger unavailable; try again"},
		{"canceled by the caller", fmt.Errorf("x: %w", context.Canceled), connect.CodeCanceled, "x: context canceled"},
		{"internal", errors.New("SELECT token FROM users: syntax error"), connect.CodeInternal, "internal error"},
		{"connection to an upstream", connect.NewError(connect.CodeUnavailable, &upstreamError{"alert", errors.New("dial tcp 10.0.0.7:18082: refused")}), connect.CodeUnavailable, "alert service unavailable; try again"},
		{"validation", connect.NewError(connect.CodeInvalidArgument, errors.New("message: too long")), connect.CodeInvalidArgument, "message: too long"},
		{"error of an upstream", connect.NewWireError(connect.CodeNotFound, errors.New("alert 7 not found")), connect.CodeNotFound, "alert 7 not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := callerError(c.err); got.Code() != c.code || got.Message() != c.message {
				t.Errorf("%s: %s", got.Code(), got.Message())
			}
		})
	}
}
