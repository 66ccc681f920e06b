// Package pace says when a key may be called, the same to all senders: they share
// the state of a key in a bucket, and see each other's changes at once. A key is a
// credential, or a destination under one, by fingerprint; no secret comes here.
package pace

import (
	"context"
	"errors"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A Key is what is paced.
type Key struct {
	ID   string // its name in the bucket, such as slack.credential.<fingerprint>
	Rate messenger.Rate
}

// ErrConflict says that another was faster: the value is no longer that of the
// revision.
var ErrConflict = errors.New("another has changed the pace")

// A Bucket keeps values that several processes share. It may lose them.
//
// A Bucket is safe for concurrent use.
type Bucket interface {
	// Load answers with the value of a key and its revision: nil and 0 where there is
	// none.
	Load(ctx context.Context, key string) (value []byte, revision uint64, err error)
	// Swap sets the value if its revision is still the one given, 0 for a key that has
	// none, and answers with the new one. It must return ErrConflict, and change
	// nothing, if it is not. It brings a bucket that vanished back to life.
	Swap(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// Watch tells of every key, first as it is and then as it changes, until ctx ends.
	// A bucket that began anew is told of by began, before its keys: the revisions that
	// were told before do not hold then. complete is called when every key has been told as it
	// is.
	Watch(ctx context.Context, began func(), changed func(key string, value []byte, revision uint64), complete func()) error
}
