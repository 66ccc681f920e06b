// Package fault holds the errors that have a code for callers: invalid, not found,
// exists, conflict, precondition, denied, unauthenticated, exhausted and unavailable.
//
// An error for a caller is made by Invalidf, NotFoundf, Existsf, Conflictf, Preconditionf,
// Deniedf, Unauthenticatedf, Exhaustedf or Unavailablef, with a text that names the field or the thing: fault.NotFoundf("group %d not found", id).
// It matches its sentinel by errors.Is, and callers get its text unchanged. An error that
// matches no sentinel is internal: it is logged, and its caller gets "internal error" (see
// kit/rpc).
//
// Programs read details beside the text: InvalidField and WithField name a field,
// WithResource the resource, WithReason a constant to compare, and WithDelay when to retry.
//
// A sentinel is for errors.Is only. It is not returned, and not wrapped by fmt.Errorf: its
// text does not describe the request, and would be glued to the text for the caller.
package fault

import (
	"errors"
	"fmt"
)

var (
	// ErrInvalid is the error of a request that no retry makes valid; the text of the error
	// that matches it names the field.
	ErrInvalid = errors.New("not valid")
	// ErrNotFound is the error of a name or an id that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists is the error of a name or a place that is taken.
	ErrExists = errors.New("already exists")
	// ErrConflict is the error of a change to a thing that was changed since the caller read it.
	ErrConflict = errors.New("changed by another caller")
	// ErrPrecondition is the error of a request that the state of the thing does not allow.
	ErrPrecondition = errors.New("not allowed in this state")
	// ErrDenied is the error of a request that this caller may not make.
	ErrDenied = errors.New("not allowed")
	// ErrUnauthenticated is the error of a request whose own credential is wrong, such as a
	// password at sign-in.
	ErrUnauthenticated = errors.New("wrong credential")
	// ErrExhausted is the error of a request beyond a limit of the caller or the process.
	ErrExhausted = errors.New("limit exceeded")
	// ErrUnavailable is the error of a request that a retry may serve.
	ErrUnavailable = errors.New("unavailable, try again")
)

// Invalidf returns an error that matches ErrInvalid. Its text is that of fmt.Errorf with the
// same arguments; it also matches each error that the format wraps by %w.
func Invalidf(format string, args ...any) error {
	return newFault(ErrInvalid, fmt.Errorf(format, args...))
}

// NotFoundf is Invalidf for ErrNotFound.
func NotFoundf(format string, args ...any) error {
	return newFault(ErrNotFound, fmt.Errorf(format, args...))
}

// Existsf is Invalidf for ErrExists.
func Existsf(format string, args ...any) error {
	return newFault(ErrExists, fmt.Errorf(format, args...))
}

// Conflictf is Invalidf for ErrConflict.
func Conflictf(format string, args ...any) error {
	return newFault(ErrConflict, fmt.Errorf(format, args...))
}

// Preconditionf is Invalidf for ErrPrecondition.
func Preconditionf(format string, args ...any) error {
	return newFault(ErrPrecondition, fmt.Errorf(format, args...))
}

// Deniedf is Invalidf for ErrDenied.
func Deniedf(format string, args ...any) error {
	return newFault(ErrDenied, fmt.Errorf(format, args...))
}

// Unauthenticatedf is Invalidf for ErrUnauthenticated.
func Unauthenticatedf(format string, args ...any) error {
	return newFault(ErrUnauthenticated, fmt.Errorf(format, args...))
}

// Exhaustedf is Invalidf for ErrExhausted.
func Exhaustedf(format string, args ...any) error {
	return newFault(ErrExhausted, fmt.Errorf(format, args...))
}

// Unavailablef is Invalidf for ErrUnavailable.
func Unavailablef(format string, args ...any) error {
	return newFault(ErrUnavailable, fmt.Errorf(format, args...))
}

// A faultError is an error with the text of its second error, which matches the first: a
// sentinel.
type faultError [2]error

func newFault(sentinel, text error) error { return &faultError{sentinel, text} }

// Error returns the text, without that of the sentinel.
func (e *faultError) Error() string { return e[1].Error() }

// Unwrap returns the sentinel and the error with the text, whose own causes errors.Is and
// errors.As reach through it.
func (e *faultError) Unwrap() []error { return e[:] }
