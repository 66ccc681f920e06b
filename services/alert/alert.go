// Package alert is the alert service: it resolves targets, records alerts and their
// deliveries, enqueues them as jobs, and records the outcome of each attempt.
//
// Handler accepts alerts and records them in the Ledger. DispatchLoop enqueues their
// deliveries, at once or when they are due, and sweeps expired ones. Senders claim and report
// deliveries through DispatchHandler; a VerdictRule determines the next state after an outcome. Hub
// notifies watchers of changes, and RetentionLoop deletes old alerts. The interfaces that the
// service needs, and their promises, are in ports.go and beside their types; package ledger
// implements the Ledger.
package alert

import (
	"cmp"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// An Alert is a failure or its resolution, recorded once for all of its recipients.
type Alert struct {
	ID             int64
	Targets        []string // as the caller wrote them
	UnknownTargets []string // those of Targets that name no user and no group
	By             []string // the messengers that notify; empty for all
	Severity       string
	RankName       string // name of its rank; empty: that of Severity. Not stored in the ledger
	Message        string
	Title          string // empty for none
	Link           string // empty for none
	Details        []job.Detail
	Texts          map[string]string // by messenger: texts of text templates, which replace Text()
	CreateTime     time.Time
	Trace          telemetry.TraceContext // of the request; empty if unknown
	ExpireTime     time.Time              // when uncompleted deliveries become Expired
	Counts         Counts                 // its deliveries by state; ignored by AddAlert

	AlertKey string // the thing that the alert is about; empty: the alert is in no thread
	Resolved bool   // whether its status is resolved; requires AlertKey
	Callback string // name of the callback endpoint to which its deliveries are reported; empty for none

	Acknowledged bool           // whether its status is acknowledged; requires AlertKey
	Source       string         // the source of intake that sent it; empty for a caller
	Escalation   string         // name of the escalation policy; empty for none
	Policy       IncidentPolicy // not stored

	// AddAlert sets these by the state of the alert key, and ignores them.
	Incident int64 // id of the incident; 0 for none
	Repeat   bool  // it repeated the state of its incident
	Reply    bool  // see IncidentStep
	Flapping bool  // see IncidentStep

	// IdempotencyKey is the idempotency key; empty for none. A repeated request under it
	// returns the recorded alert. Keys of different IdempotencyScopes never meet.
	// RequestDigest is the digest by which a repeated request is recognized.
	IdempotencyKey   string
	IdempotencyScope IdempotencyScope
	RequestDigest    []byte
}

// These begin the message in the text of an alert. They are not added to a message that already
// begins with them, in upper or lower case.
const (
	resolvedPrefix     = "resolved: "
	acknowledgedPrefix = "acknowledged: "
	flappingPrefix     = "flapping: "
)

// Text returns "[severity] message", or "[severity] resolved: message", and the like for an
// acknowledged alert and for the first reopening of an incident.
func (a Alert) Text() string {
	prefix := ""
	switch {
	case a.Resolved:
		prefix = resolvedPrefix
	case a.Acknowledged:
		prefix = acknowledgedPrefix
	case a.Flapping:
		prefix = flappingPrefix
	}
	if len(a.Message) >= len(prefix) && strings.EqualFold(a.Message[:len(prefix)], prefix) {
		prefix = ""
	}
	return "[" + a.Severity + "] " + prefix + a.Message
}

// Content returns the content of the alert's jobs for a messenger.
func (a Alert) Content(messenger string) job.Content {
	text, ok := a.Texts[messenger]
	if !ok {
		text = a.Text()
	}
	return job.Content{
		Text: text, Severity: a.Severity, Title: a.Title, Link: a.Link, Details: a.Details, Time: a.CreateTime,
		AlertKey: a.AlertKey, Resolved: a.Resolved, Acknowledged: a.Acknowledged, Incident: a.Incident, Reply: a.Reply,
	}
}

// Rank returns the rank by which the alert's deliveries are ordered.
func (a Alert) Rank() job.Rank { return job.RankOf(cmp.Or(a.RankName, a.Severity)) }

// State is the state of a delivery.
type State int

// The states of a delivery. Those from Sent to Canceled are final.
const (
	Queued   State = iota + 1 // waits to be sent
	Claimed                   // claimed by a sender under a lease
	Sent                      // accepted by the provider
	Failed                    // not accepted by the provider, or accepted and not delivered
	Expired                   // its time to live ended
	Canceled                  // canceled before it was sent
	Held                      // waits for another of its chain to fail, or for earlier ones of its thread to complete
)

// IsFinal reports whether the state is final.
func (s State) IsFinal() bool { return s >= Sent && s <= Canceled }

// Counts holds the number of deliveries in each state, indexed by State.
type Counts [Held + 1]int

// Total returns the number of all deliveries.
func (c Counts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// Uncompleted returns the number of uncompleted deliveries.
func (c Counts) Uncompleted() int { return c[Queued] + c[Claimed] + c[Held] }

// A Delivery is one alert to one address.
type Delivery struct {
	ID                    int64
	Nickname              string
	Messenger             string
	SealedCredential      []byte
	CredentialFingerprint string // empty for an address without fingerprint
	Destination           string
	State                 State
	Reason                string    // why it is Failed, Expired or Canceled; else empty
	NextTime              time.Time // when the next attempt is due; zero if that is now, or if the delivery is completed
	EndTime               time.Time // zero until it is completed
	Chain                 int64     // id of the first delivery of its failover chain; 0 for no chain
	Attempts              []Attempt // in order
	Receipt               Receipt   // the latest valid one
	Previous              string    // see job.Delivery; set only by AddAlert
}

// NotNeeded is the reason of a delivery that is Canceled because another of its failover
// chain was Sent; or because it is of a resolved or acknowledged alert, and no firing alert
// of its key was, or may have been, sent to its address since the last resolved one.
const NotNeeded = "not_needed"

// Superseded is the reason of a delivery that is Canceled because a resolved alert of its
// key was recorded before it was sent.
const Superseded = "superseded"

// Repeated is the reason of a delivery that is Canceled because its alert repeats a state of its
// incident that was, or may have been, sent to its address.
const Repeated = "repeated"

// An Attempt is one call to a provider. It is recorded when it is reported, or as Unknown
// when its lease expires without a report.
type Attempt struct {
	Number            int // from 1
	Fence             int64
	StartTime         time.Time
	EndTime           time.Time
	Outcome           messenger.Outcome // RetryAfter, Gone, Reference and PreviousGone are not stored
	PossibleDuplicate bool              // an earlier attempt may have reached the provider too
}

// A Claimant identifies a sender and its claim request.
type Claimant struct {
	Sender  string   // the process, for operators that read the ledger
	Request [16]byte // random; a retried request has the same
}
