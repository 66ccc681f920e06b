package incident

import (
	"slices"
	"time"
)

// ApplyChange returns the modification of an incident by a change; the zero Incident is one that is not
// stored. A change that was applied before has no effect.
//
// The state of the alert service counts, with two exceptions. An alert that was recorded after a
// person resolved the incident, but before the resolved alert of that was recorded, does not
// reopen it. And an alert of this service opens no incident: if it was recorded after a
// resolution, the incident is resolved again.
func ApplyChange(i Incident, c Change) Modification {
	if i.ID != 0 && c.ID <= i.LastChange {
		return Modification{}
	}
	m := modify(i)
	if i.ID == 0 {
		m.open(c)
	}
	m.incident.LastChange = c.ID
	m.incident.AlertCount++
	m.touch(c.Alert.Time)
	if !c.Alert.Own {
		m.merge(c)
	}
	m.apply(c)
	return m.modification()
}

// Supersede returns the modification that resolves an open incident when an alert of its key opens
// another one: the alert service has deleted its state.
func Supersede(i Incident, a Alert) Modification {
	m := modify(i)
	m.touch(a.Time)
	m.resolve(a.Time)
	m.addEntry(Entry{Kind: EntryResolved, Time: a.Time, Text: "superseded by a newer incident of its key", AlertID: a.ID})
	return m.modification()
}

// open makes the incident that of a change.
func (m *modifier) open(c Change) {
	a := c.Alert
	m.incident = Incident{
		ID: c.Incident, Key: a.Key, State: Firing, Severity: a.Severity, Title: a.Title, Message: a.Message, Link: a.Link,
		Source: a.Source, Targets: firstTargets(a.Targets), By: slices.Clone(a.By), OpenTime: a.Time, UpdateTime: a.Time,
	}
	m.addAlertEntry(EntryOpened, a)
}

// merge takes over the values of an alert.
func (m *modifier) merge(c Change) {
	a, i := c.Alert, &m.incident
	i.Targets = mergeTargets(i.Targets, a.Targets)
	if i.Escalation == "" {
		i.Escalation = a.Escalation
	}
	if c.Kind == ChangeResolved || c.Kind == ChangeAcknowledged {
		return
	}
	i.Severity, i.Title, i.Message, i.Link = a.Severity, a.Title, a.Message, a.Link
	i.By = mergeMessengers(i.By, a.By)
}

// apply changes the state.
func (m *modifier) apply(c Change) {
	switch a, i := c.Alert, &m.incident; c.Kind {
	case ChangeOpened:
		if a.Own {
			m.resolveAgain(a)
			return
		}
		m.escalate = a.Time
	case ChangeUpdated:
		if !a.Own {
			m.addAlertEntry(EntryUpdated, a)
		}
	case ChangeRepeated:
	case ChangeReopened:
		if a.Own {
			m.resolveAgain(a)
			return
		}
		i.State, i.ResolveTime, i.AckTime, i.AckBy = Firing, time.Time{}, time.Time{}, ""
		i.ReopenCount++
		m.escalate = a.Time
		m.addAlertEntry(EntryReopened, a)
	case ChangeResolved:
		if i.Open() {
			m.resolve(a.Time)
			m.addAlertEntry(EntryResolved, a)
		}
	case ChangeAcknowledged:
		if i.State == Firing && !a.Own {
			i.State, i.AckTime = Acknowledged, a.Time
			m.addAlertEntry(EntryAcknowledged, a)
		}
	}
}

// resolve sets the state resolved.
func (m *modifier) resolve(at time.Time) {
	m.incident.State, m.incident.ResolveTime = Resolved, at
}

// resolveAgain resolves an incident that an alert of this service opened in the alert service.
func (m *modifier) resolveAgain(a Alert) {
	if m.incident.Open() {
		m.resolve(a.Time)
	}
	m.notices = append(m.notices, newNotice(m.incident, StatusResolved, "", "", a.Time))
}

// mergeTargets returns the targets of both lists, each once.
func mergeTargets(all, more []string) []string {
	for _, t := range more {
		if len(all) < MaxTargets && !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// firstTargets returns targets, each once.
func firstTargets(targets []string) []string { return mergeTargets(nil, targets) }

// mergeMessengers returns the messengers of both lists, each once; an empty list is all of them.
func mergeMessengers(all, more []string) []string {
	if len(all) == 0 || len(more) == 0 {
		return nil
	}
	for _, name := range more {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
