package access

import (
	"context"
	"time"
)

// A Store stores API keys and the audit log. Times have microseconds; values that cannot be
// stored, such as a name that is too long, are fault.ErrInvalid. Every method is one
// transaction.
//
// A Store is safe for concurrent use, by several processes too.
type Store interface {
	Keys
	AuditLog
}

// Keys stores API keys. No key is ever deleted: the audit log names them.
type Keys interface {
	// AddKey must return fault.ErrExists if the id is taken.
	AddKey(ctx context.Context, k Key) error
	// AddFirstKey stores a key if no key exists, revoked and expired ones included, and
	// reports whether it did. Of concurrent calls, one stores its key.
	AddFirstKey(ctx context.Context, k Key) (bool, error)
	// Keys returns keys by id: those with an id above after, at most limit of them.
	Keys(ctx context.Context, after string, limit int) ([]Key, error)
	// Key must return fault.ErrNotFound if no key has the id. It must see all writes that
	// any process committed before the call.
	Key(ctx context.Context, id string) (Key, error)
	// RevokeKey sets the time at which a key was revoked. A revoked key keeps its time. It
	// must return fault.ErrNotFound if no key has the id.
	RevokeKey(ctx context.Context, id string, now time.Time) error
	// RecordKeyUses sets the last use of keys, unless a later one is recorded. Unknown keys
	// are ignored.
	RecordKeyUses(ctx context.Context, uses []KeyUse) error
}

// AuditLog stores the audit log.
type AuditLog interface {
	// AddEntries stores entries. Those whose id is stored already are ignored, so that a call
	// can be repeated.
	AddEntries(ctx context.Context, entries []AuditEntry) error
	// Entries returns entries, latest first; those of one moment by id, the highest first.
	// Its cost does not grow with the audit log if the query selects by caller, by resource
	// or by nothing.
	Entries(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
	// DeleteEntries deletes entries before a time, the oldest first, at most limit of them,
	// and returns their number.
	DeleteEntries(ctx context.Context, before time.Time, limit int) (int, error)
}
