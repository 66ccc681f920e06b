package alert

import (
	"context"
	"time"
)

// A Backlog is the number of uncompleted deliveries under one credential, or under one
// credential to one destination.
type Backlog struct {
	Messenger             string
	CredentialFingerprint string // empty for all without a known fingerprint
	Destination           string // empty for all destinations
	Queued                int    // uncompleted deliveries; at least 1
	Due                   int    // those of them without a later time: in the queue, or claimed
	Oldest                time.Time
}

// A BacklogCounter counts the backlog.
type BacklogCounter interface {
	// Backlogs returns all backlogs at now, sorted by messenger and CredentialFingerprint and, if
	// destinations is set, also by Destination. Oldest is the creation time of their first
	// alert. The cost must grow with the number of uncompleted deliveries, not with the
	// size of the ledger.
	Backlogs(ctx context.Context, now time.Time, destinations bool) ([]Backlog, error)
}
