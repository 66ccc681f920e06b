package alert

import (
	"context"
	"time"
)

// Forgotten is what a call of Forget deleted, and where the next one goes on.
type Forgotten struct {
	Alerts, Deliveries, Attempts int
	Last                         int64         // alerts up to this id were looked at
	More                         bool          // there is more to do now
	Took                         time.Duration // how long others may have had to wait for it; not how long it waited itself
}

// A Forgetter deletes what is kept no longer.
type Forgetter interface {
	// Forget deletes alerts that are over since a time before before, with their
	// deliveries and attempts. An alert is over when the last of its deliveries has
	// ended; one without deliveries, when it was created. Nothing else is deleted, and no
	// part of an alert that is not over.
	//
	// It looks at alerts in the order of their ids, those above after, and deletes at
	// most about limit rows: the attempts of one delivery are deleted together. An alert
	// of more rows than that is gone at once for whoever asks, and cannot be replayed;
	// its rows are deleted first by the next calls, whatever these ask. Several
	// processes may forget at once, and delete each row once between them.
	//
	// What it costs grows with what it deletes, with limit, and with the deliveries of
	// alerts above after that are not over, not with what the ledger holds.
	Forget(ctx context.Context, after int64, before time.Time, limit int) (Forgotten, error)
}
