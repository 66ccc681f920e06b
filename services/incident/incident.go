// Package incident is the incident service: it keeps the incidents to which alerts with a key
// belong, their timelines, silences and escalation policies.
package incident

import "time"

// An Incident is one thing that goes wrong, through its life.
type Incident struct {
	ID    int64  // that of the alert that opened it
	Key   string // the alert key as it is stored, with the prefix of intake: see job.SourceKey
	State State

	// Severity, Title, Message and Link are those of the last firing alert.
	Severity string
	Title    string // empty for none
	Message  string
	Link     string // empty for none

	Source  string   // of the first alert; empty for callers of SendAlert
	Targets []string // of its alerts, each once, at most MaxTargets
	// By holds the messengers of its alerts, each once; empty if one of them was for all.
	By         []string
	Escalation string // the name of the escalation policy of the alert that opened it; empty for none

	// NextEscalation is when the next step of its escalation is due; zero for none.
	NextEscalation time.Time

	AlertCount  int64
	ReopenCount int

	OpenTime    time.Time
	UpdateTime  time.Time
	ResolveTime time.Time // zero while it is open
	AckTime     time.Time // zero where it is not acknowledged
	AckBy       string    // empty if it is not acknowledged, or the name is unknown

	EntryCount int   // the number of its entries, which is that of the last one
	LastChange int64 // the id of the last change that was applied; 0 for none
	Revision   int64 // ascends with each change of any incident; assigned by the store
}

// MaxTargets is the maximum number of targets of an incident.
const MaxTargets = 1000

// State is the state of an incident. The values are stored.
type State int8

// The states.
const (
	Firing       State = 1
	Acknowledged State = 2
	Resolved     State = 3
)

// Open reports whether the incident is not resolved.
func (i Incident) Open() bool { return i.State != Resolved }

// An Entry is an entry of the timeline of an incident.
type Entry struct {
	Number  int // 1, 2, 3 … in the timeline; assigned when it is added
	Kind    EntryKind
	Time    time.Time
	By      string // the name of the person who did it; empty for an alert, and if unknown
	Text    string // the comment; empty for none
	AlertID int64  // the alert that caused it, or was recorded for it; 0 for none
}

// EntryKind is the event that an entry records. The values are stored, and those of the API.
type EntryKind int8

// The kinds of entries.
const (
	EntryOpened         EntryKind = 1
	EntryUpdated        EntryKind = 2
	EntryReopened       EntryKind = 3
	EntryResolved       EntryKind = 4
	EntryAcknowledged   EntryKind = 5
	EntryUnacknowledged EntryKind = 6
	EntryCommented      EntryKind = 7
	EntryEscalated      EntryKind = 8
)

// A Notice is an alert about an incident that is to be recorded: an acknowledgment, its
// withdrawal, a resolution. It is stored with the change that it is about, and sent until it is
// recorded.
type Notice struct {
	ID       int64 // ascends in the order of an incident; assigned by the store
	Incident int64
	Entry    int // the number of the entry that it is about, which gets the id of the alert; 0 for none
	Key      string
	Status   Status
	Targets  []string
	By       []string // messengers; empty for all
	Severity string
	Title    string
	Message  string
	Link     string
	// Renotify notifies also those who were notified of the same state.
	Renotify bool

	Attempt    int // the number of claims
	CreateTime time.Time
	DueTime    time.Time
}

// Status is the status of the alert of a notice. The values are stored.
type Status int8

// The statuses.
const (
	StatusFiring       Status = 1
	StatusResolved     Status = 2
	StatusAcknowledged Status = 3
)

// A Change is the effect of an alert on its incident, from the alert service.
type Change struct {
	ID       int64 // orders the changes of a key
	Incident int64
	Kind     ChangeKind
	Alert    Alert
}

// ChangeKind is the kind of the effect of an alert on its incident.
type ChangeKind int8

// The kinds of changes.
const (
	ChangeOpened       ChangeKind = 1
	ChangeUpdated      ChangeKind = 2
	ChangeRepeated     ChangeKind = 3
	ChangeReopened     ChangeKind = 4
	ChangeResolved     ChangeKind = 5
	ChangeAcknowledged ChangeKind = 6
)

// An Alert is the alert of a change.
type Alert struct {
	ID         int64
	Key        string // as it is stored, with the prefix of intake
	Source     string // empty for a caller of SendAlert
	Own        bool   // it was sent by this service for a notice
	Targets    []string
	By         []string
	Severity   string
	Title      string
	Message    string
	Link       string
	Escalation string
	Time       time.Time
}

// A Query selects a page of incidents, the newest first.
type Query struct {
	Before   int64 // incidents with smaller ids; 0 for all
	State    State // 0 for any
	OpenOnly bool
	Key      string // as it is stored, or without the prefix of intake; empty for any
	Limit    int    // at least 1
}
