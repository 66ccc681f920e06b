// Package job defines the types that the alert service, the queue and the senders share:
// jobs and the queue messages that carry them, the ranks that order the work, and the
// severity map. Package job/dispatch has the types of claims, reports and deferrals.
package job

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// Rank orders the work: a lower rank is processed first.
type Rank int

// The ranks, in the order of processing.
const (
	Critical Rank = iota
	High
	Normal
	Low
)

// Ranks holds every rank in the order of processing.
var Ranks = [...]Rank{Critical, High, Normal, Low}

// String returns the rank's name in queue subjects and in output.
func (r Rank) String() string {
	switch r {
	case Critical:
		return "critical"
	case High:
		return "high"
	case Low:
		return "low"
	default:
		return "normal"
	}
}

// A Job is deliveries of one alert by one messenger. It holds no secret in the clear.
// A queue message carries one job, or several smaller ones.
type Job struct {
	AlertID    int64
	Messenger  string
	Rank       Rank
	Content    Content
	Deliveries []Delivery
	Trace      telemetry.TraceContext // of the request that sent the alert; empty in a job of an older version
}

// A Content is the content of an alert, the same for all deliveries of a job.
type Content struct {
	Text     string // "[severity] message", or the result of a text template
	Severity string
	Title    string // empty for none
	Link     string // empty for none
	Details  []Detail
	Time     time.Time // when the alert was accepted
	AlertKey string    // the alert key, as DisplayKey returns it; empty for none
	Resolved bool      // the alert is a resolution of AlertKey

	Acknowledged bool  // somebody takes care of what AlertKey names
	Incident     int64 // id of the incident; 0 without an alert key
	// Reply makes the message an answer in the thread of the previous one, where the
	// messenger has threads, in place of a change of it.
	Reply bool
	// DigestLines is set if the deliveries are of several alerts and are sent as one message:
	// a line for each delivery, in their order. Text is the text for one of them alone.
	DigestLines []string
}

// A Detail is one more fact of an alert, such as host: node1.
type Detail struct{ Name, Value string }

// A Delivery is one delivery of a job: one alert to one address.
type Delivery struct {
	ID                    int64
	Destination           string
	SealedCredential      []byte // sealed by kit/seal
	CredentialFingerprint string // the credential's fingerprint; empty for an address without fingerprint
	Nickname              string // of the user whom the credential is sealed for; empty in a job of an older version
	Slots                 string // the slots that a sender reserved when it deferred the delivery; empty for none
	Chain                 int64  // id of the first delivery of its failover chain; 0 for no chain
	// Previous is the messenger's reference of the message of the incident at this address,
	// which is to be changed or answered; empty for none.
	Previous string
}

// A Generation is the generation of the queue at one moment: the lifetime of its stream.
type Generation struct {
	Name  string        // unique among generations
	Age   time.Duration // a lower bound of the generation's age; 0 where it is unknown
	Empty bool          // no job is in the queue or in flight
}

// A QueueMessage is an in-flight queue message: a sender has its jobs and has not acked it.
type QueueMessage struct {
	Jobs []Job
	// Ack acks the queue message, which removes its jobs from the queue. Call it once
	// all of their deliveries are recorded.
	Ack func() error
	// Nack nacks the queue message: the broker redelivers it to any sender.
	Nack func() error
}

// Deliveries returns the number of deliveries of all jobs.
func (m *QueueMessage) Deliveries() (n int) {
	for _, j := range m.Jobs {
		n += len(j.Deliveries)
	}
	return n
}
