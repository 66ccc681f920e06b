package alert

import (
	"context"
	"time"
)

// Deletion is the result of a call of DeleteCompleted, and where the next call continues.
type Deletion struct {
	Alerts, Deliveries, Attempts int
	Last                         int64         // alerts up to this id were examined
	More                         bool          // more can be deleted now
	Took                         time.Duration // how long it may have blocked other transactions; without its own wait for them
}

// A Deleter deletes alerts at the end of their retention.
type Deleter interface {
	// DeleteCompleted deletes alerts that were completed before a time before, with their
	// deliveries and attempts. An alert is completed when the last of its deliveries is;
	// one without deliveries, when it was created. With the last alert of an alert key, the
	// state of the key is deleted. Nothing else is deleted, and no part of an uncompleted alert.
	//
	// It examines alerts in the order of their ids, those above after, and deletes at most
	// about limit rows: the attempts of one delivery are deleted together. An alert with
	// more rows becomes a tombstone: it is no longer found and cannot be replayed; its
	// rows are deleted first by the next calls, whatever their arguments. Several
	// processes may call DeleteCompleted concurrently; each row is deleted once.
	//
	// The cost grows with the number of deleted rows, with limit, and with the deliveries
	// of uncompleted alerts above after, not with the size of the ledger.
	DeleteCompleted(ctx context.Context, after int64, before time.Time, limit int) (Deletion, error)
}
