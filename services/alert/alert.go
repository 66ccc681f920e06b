// Package alert is the service that tells people what broke: it resolves
// targets, records the alert and its deliveries, hands them to the queue, and
// records what came of each.
package alert

import (
	"cmp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// An Alert is what happened, said once.
type Alert struct {
	ID         int64
	Targets    []string // as the caller gave them
	Unknown    []string // those of Targets that nobody bore
	Severity   string
	Urgency    string // the name of its rank; empty: that of Severity. Not kept by the ledger
	Message    string
	Title      string // empty for none
	Link       string // empty for none
	Details    []job.Detail
	Texts      map[string]string // what goes out by messenger, where that is not Text
	CreateTime time.Time
	ExpireTime time.Time // when what has not ended ends as Expired
	Counts     Counts    // how its deliveries stand; not looked at by AddAlert

	AlertKey string // what it is about; empty where it stands alone
	Resolved bool   // the thing that AlertKey names is over; needs AlertKey

	// Key, where it is not empty, lets the same Request be sent again without a
	// second alert: Request is a digest of what was asked.
	Key     string
	Request []byte
}

// resolvedMark begins the text of a resolved alert, behind its severity. A message that
// begins with it already gets no second one.
const resolvedMark = "resolved: "

// Text returns what goes out: "[severity] message", or "[severity] resolved: message".
func (a Alert) Text() string {
	mark := ""
	if a.Resolved && (len(a.Message) < len(resolvedMark) || !strings.EqualFold(a.Message[:len(resolvedMark)], resolvedMark)) {
		mark = resolvedMark
	}
	return "[" + a.Severity + "] " + mark + a.Message
}

// Content is what goes out by a messenger.
func (a Alert) Content(messenger string) job.Content {
	text, is := a.Texts[messenger]
	if !is {
		text = a.Text()
	}
	return job.Content{
		Text: text, Severity: a.Severity, Title: a.Title, Link: a.Link, Details: a.Details, Time: a.CreateTime,
		Key: a.AlertKey, Resolved: a.Resolved,
	}
}

// Rank orders the work.
func (a Alert) Rank() job.Rank { return job.RankOf(cmp.Or(a.Urgency, a.Severity)) }

// State is where a delivery is on its way.
type State int

// The states of a delivery. Those from Sent to Canceled are its end.
const (
	Queued   State = iota + 1 // it waits to be sent
	Claimed                   // a sender holds it under a lease
	Sent                      // the provider took it
	Failed                    // it was not taken, or not delivered after that
	Expired                   // its time to live ran out
	Canceled                  // it was canceled before it was sent
	Held                      // it waits for another of its chain to fail, or for those before it in its thread to end
)

// Ended says whether it is an end.
func (s State) Ended() bool { return s >= Sent && s <= Canceled }

// Counts says how many deliveries are in each state, by State.
type Counts [Held + 1]int

// Total is the number of all deliveries.
func (c Counts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// Open is the number of those that have not ended.
func (c Counts) Open() int { return c[Queued] + c[Claimed] + c[Held] }

// A Delivery is one alert to one address.
type Delivery struct {
	ID               int64
	Nickname         string
	Messenger        string
	SealedCredential []byte
	CredentialKey    string // the credential's fingerprint; empty where it is not known
	Destination      string
	State            State
	Reason           string    // why it ended; empty where it was Sent or has not ended
	NextTime         time.Time // when it is tried next; zero where that is now, or where it has ended
	EndTime          time.Time // zero until it ended
	Chain            int64     // the first delivery of its chain; 0 where it is in none
	Attempts         []Attempt // in order
	Receipt          Receipt   // the last that counts
}

// NotNeeded is the reason of a delivery that is Canceled because another of its
// chain was Sent; or because it is of a resolved alert, and no firing alert of its key
// was, or may have been, sent to its address since the last resolved one.
const NotNeeded = "not_needed"

// Superseded is the reason of a delivery that is Canceled because a resolved alert of its
// key was recorded before it was sent.
const Superseded = "superseded"

// An Attempt is one call to a provider. It is recorded when it is reported, or
// as Unknown when its lease ran out without a report.
type Attempt struct {
	Number            int // from 1
	Fence             int64
	StartTime         time.Time
	EndTime           time.Time
	Outcome           messenger.Outcome // After is not kept
	PossibleDuplicate bool              // an attempt before may have reached the provider too
}

// A Claimant is who claims.
type Claimant struct {
	Sender  string   // the process, for people who read the ledger
	Request [16]byte // random: the same only where the same request is asked again
}

// A Claim is the right to send one delivery, once, until its lease ends.
type Claim struct {
	DeliveryID        int64
	Fence             int64
	Attempt           int
	PossibleDuplicate bool
	LeaseExpireTime   time.Time
}

// A Deferral lets a delivery wait for its provider.
type Deferral struct {
	DeliveryID int64
	Fence      int64 // of its claim; 0 where it was not claimed
	Time       time.Time
	Slots      string // what the sender reserved, in its own words; at most 255 bytes
}

// A Report is what came of a claim.
type Report struct {
	DeliveryID int64
	Fence      int64
	StartTime  time.Time
	EndTime    time.Time
	Outcome    messenger.Outcome
	// SealedCredential is the delivery's, sealed for Outcome.Destination; nil where that
	// is empty.
	SealedCredential []byte
}
