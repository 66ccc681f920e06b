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

// Entries may be packed: stored in batches, each of one caller. A batch has at most MaxBatchEntries
// entries, the first and the last of which are at most MaxBatchSpan apart.
const (
	MaxBatchEntries = 1000
	MaxBatchSpan    = time.Minute
)

// AuditLog stores the audit log. It may pack entries that are added by one call; an entry that is
// added alone never is.
type AuditLog interface {
	// AddEntries stores entries. An entry that is stored twice is returned once, so that a call can
	// be repeated, also with other entries. Entries are the same if their time and id are.
	AddEntries(ctx context.Context, entries []AuditEntry) error
	// Entries returns entries, latest first; those of one moment by id, the highest first. Packed
	// entries that cannot be decoded are an error, not skipped.
	//
	// Its cost does not grow with the audit log if the query selects by caller or by nothing. By
	// resource it reads 4 bytes, and by procedure all, of each packed entry of the caller, or of
	// all callers, from the first that it returns back to From or the last that it returns.
	Entries(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
	// DeleteEntries deletes entries before a time, the oldest first, and returns their number, in
	// which an entry that is stored twice counts twice. It deletes at least limit, unless fewer are
	// left to delete, and less than limit+MaxBatchEntries. Packed entries are deleted with the
	// last one of their batch: at most MaxBatchSpan later.
	DeleteEntries(ctx context.Context, before time.Time, limit int) (int, error)
}
