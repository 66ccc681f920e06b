// Package job holds the words that the alert service, the queue and the senders
// share: what a queue message carries, and in which order it is worked.
package job

import "time"

// Rank orders the work: a lower rank goes first.
type Rank int

// The ranks, in the order they are worked.
const (
	Critical Rank = iota
	High
	Normal
	Low
)

// Ranks holds every rank in the order they are worked.
var Ranks = [...]Rank{Critical, High, Normal, Low}

// String names the rank as it stands in queue subjects and on screens.
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

// A Job is deliveries of one alert by one messenger. It holds nothing in the clear that
// is secret. A queue message carries one, or several that are smaller.
type Job struct {
	AlertID    int64
	Messenger  string
	Rank       Rank
	Content    Content
	Deliveries []Delivery
}

// A Content is what to say to people, the same for all deliveries of a job.
type Content struct {
	Text     string // "[severity] message", or what a template made of it
	Severity string
	Title    string // empty for none
	Link     string // empty for none
	Details  []Detail
	Time     time.Time // when the alert was accepted
	Key      string    // what the alert is about, as ShownKey shows it; empty for none
	Resolved bool      // the thing that Key names is over
}

// A Detail is one more fact of an alert, such as host: node1.
type Detail struct{ Name, Value string }

// A Delivery is one delivery of a job: what a sender needs to know of it.
type Delivery struct {
	ID               int64
	Destination      string
	SealedCredential []byte // as internal/seal sealed it
	CredentialKey    string // the credential's fingerprint; empty where it is not known
	Nickname         string // the user's, for whom the credential is sealed; empty in a job from before that
	Slots            string // what a sender reserved when it deferred the delivery; empty for none
}

// An Epoch is a life of the queue, as it is at one moment.
type Epoch struct {
	Name  string        // that no other life has
	Age   time.Duration // how long it has lasted, or less; 0 where that is not known for sure
	Empty bool          // no job is in the queue, nor in a sender's hand
}

// A Taken is the jobs of one queue message in a sender's hand.
type Taken struct {
	Jobs []Job
	// Done takes the jobs out of the queue. Call it once all of their deliveries are
	// recorded.
	Done func() error
	// Return gives the jobs back to the queue, for any sender.
	Return func() error
}

// Deliveries says how many deliveries the jobs have.
func (t *Taken) Deliveries() (n int) {
	for _, j := range t.Jobs {
		n += len(j.Deliveries)
	}
	return n
}
