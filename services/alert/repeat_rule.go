package alert

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

// An IncidentPolicy determines what a firing alert does to the incident of its key. It is not
// stored.
type IncidentPolicy struct {
	RepeatAfter time.Duration // how long after the last update an unchanged alert is a repeat; 0: no alert is
	FlapWindow  time.Duration // how long after its resolution an incident is reopened; 0: none is
	Fields      []string      // repeat fields of the request; empty for those of the settings
	Digest      string        // of the repeat fields
	Renotify    bool          // the alert is an update, although it is unchanged
}

// IncidentSettings are the settings by which firing alerts change incidents.
type IncidentSettings struct {
	RepeatAfter  time.Duration // see IncidentPolicy
	FlapWindow   time.Duration // see IncidentPolicy
	RepeatFields []string      // valid, see CheckRepeatFields
}

// policyOf returns the policy for an alert, which has the fields of its request only.
func (s IncidentSettings) policyOf(a Alert) IncidentPolicy {
	p := a.Policy
	p.RepeatAfter, p.FlapWindow = s.RepeatAfter, s.FlapWindow
	if len(p.Fields) == 0 {
		p.Fields = s.RepeatFields
	}
	p.Digest = repeatDigest(a, p.Fields)
	return p
}

// An IncidentState is the state of the last incident of an alert key.
type IncidentState struct {
	Incident    int64     // 0 for none
	Resolved    bool      // it is not open
	Rank        job.Rank  // of the last update
	Digest      string    // of the last update
	UpdateTime  time.Time // when the last update was recorded
	ResolveTime time.Time // when it was resolved
	ReopenCount int       // how often it was reopened
}

// An IncidentStep is the effect of an alert on its incident.
type IncidentStep struct {
	Kind IncidentChangeKind
	// Reply is set if a person must notice the alert, although a message of the incident can be
	// changed: it is more urgent, repeated after IncidentPolicy.RepeatAfter, a reopening, or
	// to renotify.
	Reply    bool
	Flapping bool // it is the first reopening of the incident
}

// NextIncidentStep returns the effect of an alert of a key in state s on its incident. Of the alert
// it reads the status, rank, time and policy.
//
// A firing alert opens an incident if none is open, or reopens the last one within the flap
// window. For an open incident it is a repeat if it is not more urgent than the last update, its
// repeat fields are the same, the last update is younger than RepeatAfter, and Renotify is not
// set; otherwise it is an update.
func NextIncidentStep(s IncidentState, a Alert) IncidentStep {
	p := a.Policy
	urgent, changed := a.Rank() < s.Rank, p.Digest != s.Digest
	switch {
	case a.Resolved:
		return IncidentStep{Kind: IncidentResolved}
	case a.Acknowledged:
		return IncidentStep{Kind: IncidentAcknowledged}
	case s.Incident == 0:
		return IncidentStep{Kind: IncidentOpened}
	case s.Resolved && isWithin(a.CreateTime, s.ResolveTime, p.FlapWindow):
		return IncidentStep{Kind: IncidentReopened, Reply: true, Flapping: s.ReopenCount == 0}
	case s.Resolved:
		return IncidentStep{Kind: IncidentOpened}
	case !urgent && !changed && !p.Renotify && isWithin(a.CreateTime, s.UpdateTime, p.RepeatAfter):
		return IncidentStep{Kind: IncidentRepeated}
	}
	return IncidentStep{Kind: IncidentUpdated, Reply: urgent || !changed || p.Renotify}
}

// isWithin reports whether now is before the end of a window that begins at start. A window of
// 0 contains no time.
func isWithin(now, start time.Time, window time.Duration) bool {
	return window > 0 && now.Before(start.Add(window))
}
