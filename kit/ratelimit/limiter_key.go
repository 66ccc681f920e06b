// Package ratelimit is a rate limiter that several processes share. A caller reserves slots of
// a limiter key, such as an account of an external service, and makes one call at the time of
// each. The state of a key is kept in a shared bucket, and each change is visible to all
// processes at once. The caller names the keys; a name must not contain a secret.
package ratelimit

import (
	"context"
	"errors"
)

// A Key is a limiter key with its rate limit.
type Key struct {
	ID   string // name in the bucket: letters, digits and dots
	Rate Rate
}

// ErrConflict is returned for a concurrent change: the value no longer has the given
// revision.
var ErrConflict = errors.New("limiter state was changed concurrently")

// A Bucket is a key-value store that several processes share. It may lose values.
//
// A Bucket is safe for concurrent use.
type Bucket interface {
	// Load returns the value of a key and its revision, or nil and 0 if there is none.
	Load(ctx context.Context, key string) (value []byte, revision uint64, err error)
	// Swap sets the value if its revision is still the given one, 0 for a key without a
	// value, and returns the new revision. Otherwise it must return ErrConflict and
	// change nothing. It creates a lost bucket again.
	Swap(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// Watch calls changed for every key, first with its current value and then with each
	// change, until ctx ends. For a recreated bucket it calls began before its keys:
	// earlier revisions are void then. It calls complete after all current values.
	Watch(ctx context.Context, began func(), changed func(key string, value []byte, revision uint64), complete func()) error
}
