package inbox

import (
	"context"
	"time"
)

// A Store stores the items of all inboxes. Times have microseconds. Every method is one
// transaction.
//
// The ids of one inbox ascend in the order in which items become visible: a reader that has
// seen an id will never find a new item with a smaller one, also if several processes add
// items. They have gaps, and are not reused.
//
// A Store is safe for concurrent use, by several processes too.
type Store interface {
	Items
	Reads

	// Add stores deliveries and returns those that are new, in their order, with their ids. A
	// delivery whose id is stored already is not stored again and not returned, also if it is
	// in the call twice. Their fields ID, ReadTime, Archived are ignored.
	Add(ctx context.Context, deliveries []Item) ([]StoredItem, error)
	// DeleteItems deletes items that were stored before a time, the oldest first, at most
	// limit of them, and returns their number.
	DeleteItems(ctx context.Context, before time.Time, limit int) (int, error)
}

// Items reads inboxes. A nickname is in canonical form; one without an inbox has no items.
type Items interface {
	// After returns the items of an inbox with ids above after, by id, at most limit of
	// them, archived ones included.
	After(ctx context.Context, nickname string, after int64, limit int) ([]Item, error)
	// Last returns the last id that is assigned in an inbox, 0 for none, and the number of
	// unread items. Every item up to that id is visible to After.
	Last(ctx context.Context, nickname string) (last int64, unread int, err error)
	// Page returns items, the newest first.
	Page(ctx context.Context, q Query) ([]Item, error)
}

// Reads marks items as read, and hands the marks to the reporter.
type Reads interface {
	// MarkRead marks an item as read at a time and returns it. An item that is read keeps its
	// time. It must return fault.ErrNotFound if the inbox has no item of the id.
	MarkRead(ctx context.Context, nickname string, id int64, at time.Time) (Item, error)
	// MarkAllRead marks the unread items up to an id as read at a time, all for 0, and returns
	// their number.
	MarkAllRead(ctx context.Context, nickname string, upTo int64, at time.Time) (int, error)
	// Archive archives an item, which marks it as read, and returns it. It must return
	// fault.ErrNotFound if the inbox has no item of the id.
	Archive(ctx context.Context, nickname string, id int64, at time.Time) (Item, error)
	// UnreportedReads returns read items whose reads are not reported, at most limit of
	// them.
	UnreportedReads(ctx context.Context, limit int) ([]Read, error)
	// SetReported notes that the reads of deliveries are reported.
	SetReported(ctx context.Context, deliveries []int64) error
}

// A ReadRecorder records reads in the alert service, where they become the receipts of the
// deliveries.
type ReadRecorder interface {
	// RecordReads must return nil only if all reads are recorded, or are of deliveries that the
	// alert service does not have. It may be called again with the same reads. There are at
	// most 10000.
	RecordReads(ctx context.Context, reads []Read) error
}

// A Notifier is notified of new items after they are committed. Stored must not block: the
// caller has yet to answer the sender.
type Notifier interface {
	Stored(items []StoredItem)
}
