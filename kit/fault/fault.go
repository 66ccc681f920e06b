// Package fault holds the errors that have a code for callers: invalid, not found,
// exists and unavailable.
//
// An error for a caller wraps one of them, with a text that names the field or the
// thing: fmt.Errorf("group %d: %w", id, fault.ErrNotFound). An error that wraps none of
// them is internal: it is logged, and its caller gets "internal error" (see
// kit/rpc).
package fault

import "errors"

var (
	// ErrInvalid is the error of a request that no retry makes valid; the wrapping text
	// names the field.
	ErrInvalid = errors.New("not valid")
	// ErrNotFound is the error of a name or an id that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists is the error of a name or a place that is taken.
	ErrExists = errors.New("already exists")
	// ErrUnavailable is the error of a request that a retry may serve.
	ErrUnavailable = errors.New("unavailable, try again")
)
