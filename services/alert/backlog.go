package alert

import (
	"context"
	"time"
)

// A Backlog is what has not ended under one credential, or of that to one
// destination.
type Backlog struct {
	Messenger     string
	CredentialKey string // empty for all whose fingerprint is not known
	Destination   string // empty where the backlog is of all destinations
	Queued        int    // deliveries that have not ended; at least 1
	Due           int    // those of them that wait for no later time: in the queue, or with a sender
	Oldest        time.Time
}

// A Counter counts what waits.
type Counter interface {
	// Backlogs answers with all there are at now, by messenger and CredentialKey, and
	// where destinations is set by Destination too; in that order. Oldest is when the
	// first of their alerts was created. What it costs must grow with what has not
	// ended, not with what the ledger holds.
	Backlogs(ctx context.Context, now time.Time, destinations bool) ([]Backlog, error)
}
