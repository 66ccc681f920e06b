package incident

import (
	"slices"
	"time"
)

const (
	// MaxEntries is the maximum number of entries of a timeline.
	MaxEntries = 1000
	// maxAlertEntries is the number of entries after which those of alerts are not added, so
	// that people can still comment on an incident that changes all the time.
	maxAlertEntries = 900
)

// A modifier collects the changes of an incident.
type modifier struct {
	incident Incident
	escalate time.Time
	entries  []Entry
	notices  []Notice
}

// modify returns a modifier that leaves the slices of an incident unchanged.
func modify(i Incident) *modifier {
	i.Targets, i.By = slices.Clone(i.Targets), slices.Clone(i.By)
	return &modifier{incident: i}
}

// modification returns the collected changes.
func (m *modifier) modification() Modification {
	return Modification{Incident: &m.incident, Escalate: m.escalate, Entries: m.entries, Notices: m.notices}
}

// addEntry adds an entry and returns its number; 0 if the timeline is full.
func (m *modifier) addEntry(e Entry) int {
	if m.incident.EntryCount >= MaxEntries {
		return 0
	}
	m.incident.EntryCount++
	e.Number = m.incident.EntryCount
	m.entries = append(m.entries, e)
	return e.Number
}

// addAlertEntry adds the entry of an alert, unless the timeline is nearly full.
func (m *modifier) addAlertEntry(kind EntryKind, a Alert) {
	if m.incident.EntryCount < maxAlertEntries {
		m.addEntry(Entry{Kind: kind, Time: a.Time, AlertID: a.ID})
	}
}

// touch sets the time of the update. It never goes back.
func (m *modifier) touch(at time.Time) {
	if at.After(m.incident.UpdateTime) {
		m.incident.UpdateTime = at
	}
}
