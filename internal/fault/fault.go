// Package fault holds the few errors that the inside of Bongsu tells apart.
//
// Whoever finds a fault wraps one of these with what was wrong, in words meant
// for outsiders: fmt.Errorf("group %d: %w", id, fault.ErrNotFound). What wraps
// none of them is nobody's business outside: it is logged, and leaves as
// "internal error" (see internal/rpc).
package fault

import "errors"

var (
	// ErrInvalid says that what was asked can never be done; the wrapping text
	// names the field.
	ErrInvalid = errors.New("not valid")
	// ErrNotFound says that what was named is not there.
	ErrNotFound = errors.New("not found")
	// ErrExists says that a name or place is taken.
	ErrExists = errors.New("already exists")
	// ErrUnavailable says that it cannot be done now, and may be later.
	ErrUnavailable = errors.New("unavailable, try again")
)
