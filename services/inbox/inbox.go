// Package inbox is the inbox service: it stores the deliveries of the messenger inbox, and
// shows each user the own ones.
package inbox

import "time"

// An Item is an alert in the inbox of a user.
type Item struct {
	ID         int64  // ascends in an inbox; at least 1
	DeliveryID int64  // unique
	Nickname   string // the user's, in canonical form
	AlertID    string
	Severity   string
	Title      string // empty for none
	Text       string
	Link       string // empty for none
	Key        string // the alert key; empty for none
	Resolved   bool
	CreateTime time.Time // when the alert was accepted
	StoreTime  time.Time // when the item was stored
	ReadTime   time.Time // zero for unread
	Archived   bool
}

// A StoredItem is a new item, and where it stands in its inbox.
type StoredItem struct {
	Item
	// Before is the last id that was assigned in the inbox before the item's. A reader that
	// has seen all up to Before misses nothing if the item is next; one that has seen less
	// must read the store.
	Before int64
}

// A Query selects items of an inbox.
type Query struct {
	Nickname   string
	Before     int64 // items with smaller ids; 0 for all
	UnreadOnly bool
	Archived   bool // archived items in place of the others
	Limit      int  // the maximum number of items; at least 1
}

// A Read is that a delivery was read.
type Read struct {
	DeliveryID int64
	Time       time.Time
}
