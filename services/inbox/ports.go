package inbox

import (
	"context"
	"time"
)

// A Store stores the items of all inboxes. Times have microseconds. Every method is one
// transaction.
//
// The positions of one inbox ascend in the order in which items, and changes of them, become
// visible: a reader that has seen a position will never find a new item or change with a smaller
// one, also if several processes add items. They have gaps, and are not reused. The id of an item
// is its first position.
//
// A Store is safe for concurrent use, by several processes too.
type Store interface {
	Items
	Reads

	// Add stores deliveries, and returns the items that are new or changed, with their ids and
	// positions, in the order of their last deliveries. A delivery whose id is stored already is
	// not stored again, also if it is in the call twice. Their fields ID, Position, UpdateTime,
	// ReadTime and Archived are ignored.
	//
	// The deliveries of an incident to a user are one item. A later one (Item.IsLater)
	// changes it by Item.Changed; an earlier one that comes late changes nothing.
	Add(ctx context.Context, deliveries []Item) ([]StoredItem, error)
	// DeleteItems deletes items that were not stored or changed since a time, the oldest first, at most
	// limit of them, and returns their number.
	DeleteItems(ctx context.Context, before time.Time, limit int) (int, error)
}

// Items reads inboxes. A nickname is in canonical form; one without an inbox has no items.
type Items interface {
	// After returns the items of an inbox with positions above after, by position, at most limit
	// of them, archived ones included.
	After(ctx context.Context, nickname string, after int64, limit int) ([]Item, error)
	// Last returns the last position that is assigned in an inbox, 0 for none, and the number of
	// unread items. Every item up to that position is visible to After.
	Last(ctx context.Context, nickname string) (last int64, unread int, err error)
	// Page returns items, the newest first.
	Page(ctx context.Context, q Query) ([]Item, error)
}

// Reads marks items as read, and hands the marks to the reporter.
type Reads interface {
	// MarkRead marks an item as read at a time and returns it. An item that is read keeps its
	// time. It must return fault.ErrNotFound if the inbox has no item of the id.
	MarkRead(ctx context.Context, nickname string, id int64, at time.Time) (Item, error)
	// MarkAllRead marks the unread items up to a position as read at a time, all for 0, and
	// returns their number.
	MarkAllRead(ctx context.Context, nickname string, upTo int64, at time.Time) (int, error)
	// Archive archives an item, which marks it as read, and returns it. It must return
	// fault.ErrNotFound if the inbox has no item of the id.
	Archive(ctx context.Context, nickname string, id int64, at time.Time) (Item, error)
	// UnreportedReads returns the reads that are not reported, at most limit of them: all
	// deliveries of an item that was marked as read are read, until it changes.
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

// A Notifier is notified of new and changed items after they are committed. Stored must not block: the
// caller has yet to answer the sender.
type Notifier interface {
	Stored(items []StoredItem)
}
