// Package inbox is the inbox service: it stores the deliveries of the messenger inbox, and
// shows each user the own ones.
package inbox

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

// An Item is an alert, or an incident by its last alert, in the inbox of a user.
type Item struct {
	ID         int64  // ascends in an inbox; at least 1
	Position   int64  // ID, or the number of the last change: one sequence for both
	DeliveryID int64  // of the last alert; unique
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
	UpdateTime time.Time // when the item was stored, or changed last
	ReadTime   time.Time // zero for unread
	Archived   bool

	Incident     int64 // the same for all alerts of an incident; 0 for none
	Acknowledged bool
	AckURL       string   // a page on which a person acknowledges the incident; empty for none
	Rank         job.Rank // of the last firing alert
	Reply        bool     // a person must notice the change; of a delivery, not stored
}

// A StoredItem is a new or changed item, and where it stands in its inbox.
type StoredItem struct {
	Item
	// Before is the last position that was assigned in the inbox before the item's. A reader
	// that has seen all up to Before misses nothing if the item is next; one that has seen less
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
