// Package dispatch defines claims, reports and deferrals, by which senders and the alert
// service agree on the deliveries that are sent, and their Protobuf codec. They are not in
// package job, because a report holds an outcome of messenger, which imports job.
package dispatch

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A Claim is the right to send one delivery, once, until its lease expires. Fence is its
// fencing token.
type Claim struct {
	DeliveryID        int64
	Fence             int64
	Attempt           int  // from 1
	PossibleDuplicate bool // an earlier attempt may have reached the provider too
	LeaseExpireTime   time.Time
}

// A Report is the outcome of a claim.
type Report struct {
	DeliveryID int64
	Fence      int64 // of the claim
	StartTime  time.Time
	EndTime    time.Time
	Outcome    messenger.Outcome
	// SealedCredential is the delivery's, sealed for Outcome.Destination; nil if that is
	// empty.
	SealedCredential []byte
}

// A Deferral gives a delivery a later time without an attempt.
type Deferral struct {
	DeliveryID int64
	Fence      int64 // of its claim; 0 if it is not claimed
	Time       time.Time
	// Wait limits the time from the request to Time: a sender determines both at once, and
	// its clock may be corrected before the request. The ledger uses Time alone.
	Wait  time.Duration
	Slots string // the reserved slots in the sender's encoding, which the next job brings back; at most 255 bytes
}
