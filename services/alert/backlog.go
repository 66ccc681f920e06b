package alert

import (
	"context"
	"time"
)

// A Backlog is the number of uncompleted deliveries under one credential, or under one
// credential to one destination.
type Backlog struct {
	Messenger             string
	CredentialFingerprint string    // empty for all addresses without fingerprint
	Destination           string    // empty for all destinations
	Queued                int       // uncompleted deliveries; at least 1
	Due                   int       // those of them without a later time: in the queue, or claimed
	Oldest                time.Time // when their first alert was recorded, without those that are held back until a later time; zero for none
}

// A BacklogCounter counts the backlog.
type BacklogCounter interface {
	// Backlogs returns all backlogs at now, by messenger and credential fingerprint and,
	// if destinations is set, also by destination, sorted by these. The cost must grow
	// with the number of uncompleted deliveries, not with the size of the ledger.
	Backlogs(ctx context.Context, now time.Time, destinations bool) ([]Backlog, error)
}
