package incident

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// An Action is a change of an incident by a person.
type Action struct {
	By      string // the name of the person; empty if unknown
	Comment string // empty for none
	Time    time.Time
}

// errResolved is the error of an action on a resolved incident.
var errResolved = fault.WithReason(fault.Preconditionf("the incident is resolved"), "INCIDENT_RESOLVED")

// Acknowledge acknowledges an open incident. One that is acknowledged stays as it is.
func Acknowledge(a Action) Rule {
	return func(i Incident) (Modification, error) {
		switch i.State {
		case Resolved:
			return Modification{}, errResolved
		case Acknowledged:
			return Modification{}, nil
		}
		m := modify(i)
		m.incident.State, m.incident.AckTime, m.incident.AckBy = Acknowledged, a.Time, a.By
		m.act(EntryAcknowledged, StatusAcknowledged, a)
		return m.modification(), nil
	}
}

// Unacknowledge takes an acknowledgment back. An incident without one stays as it is.
func Unacknowledge(a Action) Rule {
	return func(i Incident) (Modification, error) {
		switch i.State {
		case Resolved:
			return Modification{}, errResolved
		case Firing:
			return Modification{}, nil
		}
		m := modify(i)
		m.incident.State, m.incident.AckTime, m.incident.AckBy = Firing, time.Time{}, ""
		m.escalate = a.Time
		m.act(EntryUnacknowledged, StatusFiring, a)
		return m.modification(), nil
	}
}

// Resolve resolves an incident. A resolved one stays as it is.
func Resolve(a Action) Rule {
	return func(i Incident) (Modification, error) {
		if !i.Open() {
			return Modification{}, nil
		}
		m := modify(i)
		m.resolve(a.Time)
		m.act(EntryResolved, StatusResolved, a)
		return m.modification(), nil
	}
}

// Comment adds a comment. added gets its entry.
func Comment(a Action, added *Entry) Rule {
	return func(i Incident) (Modification, error) {
		m := modify(i)
		m.touch(a.Time)
		number := m.addEntry(Entry{Kind: EntryCommented, Time: a.Time, By: a.By, Text: a.Comment})
		if number == 0 {
			return Modification{}, fault.WithReason(fault.Exhaustedf("the timeline of the incident is full: it has %d entries", MaxEntries), "TIMELINE_FULL")
		}
		*added = m.entries[0]
		return m.modification(), nil
	}
}

// act adds the entry of an action, and the notice of it for those who were notified.
func (m *modifier) act(kind EntryKind, status Status, a Action) {
	m.touch(a.Time)
	n := newNotice(m.incident, status, a.By, a.Comment, a.Time)
	n.Entry = m.addEntry(Entry{Kind: kind, Time: a.Time, By: a.By, Text: a.Comment})
	m.notices = append(m.notices, n)
}
