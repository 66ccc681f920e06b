package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Policy is an escalation policy: the steps that notify targets of an incident until it is
// acknowledged.
type Policy struct {
	Name        string
	Steps       []Step // taken in their order; at least 1
	RepeatCount int    // how often all steps are repeated after the first time
	Groups      []string
	UpdateTime  time.Time
}

// A Step notifies targets after a wait.
type Step struct {
	Targets []string
	By      []string      // messengers; empty for all
	Wait    time.Duration // from the step before, or from the begin of the escalation
}

// minRepeatWait is the minimum wait before steps are repeated.
const minRepeatWait = time.Minute

// An Escalation is the escalation of an open incident that is not acknowledged.
type Escalation struct {
	Incident    int64
	Steps       []Step // those of its policy when it began
	RepeatCount int
	Step        int // index of the next step
	Round       int // 0 until all steps were taken once
	DueTime     time.Time
}

// StartEscalation returns the escalation of an incident by a policy from a time.
func StartEscalation(incident int64, p Policy, at time.Time) Escalation {
	return Escalation{Incident: incident, Steps: p.Steps, RepeatCount: p.RepeatCount, DueTime: at.Add(p.Steps[0].Wait)}
}

// next returns the escalation after its next step was taken at a time, and whether a step is left.
// A step that was late does not make the next one early.
func (e Escalation) next(at time.Time) (Escalation, bool) {
	e.Step++
	wait := time.Duration(0)
	if e.Step == len(e.Steps) {
		if e.Round == e.RepeatCount {
			return e, false
		}
		e.Step, e.Round, wait = 0, e.Round+1, minRepeatWait
	}
	e.DueTime = at.Add(max(e.Steps[e.Step].Wait, wait))
	return e, true
}

// Escalate takes the next step of an escalation that is due: it returns the entry and the notice
// of the step, and the escalation after it; nil if no step is left or the incident is not firing.
func Escalate(i Incident, e Escalation, now time.Time) (Modification, *Escalation) {
	if i.State != Firing || e.Step >= len(e.Steps) {
		return Modification{}, nil
	}
	step := e.Steps[e.Step]
	m := modify(i)
	m.touch(now)
	text := fmt.Sprintf("step %d of %d", e.Step+1, len(e.Steps))
	if e.Round > 0 {
		text += fmt.Sprintf(", repetition %d of %d", e.Round, e.RepeatCount)
	}
	n := Notice{
		Incident: i.ID, Key: i.Key, Status: StatusFiring, Targets: slices.Clone(step.Targets), By: slices.Clone(step.By),
		Severity: i.Severity, Title: i.Title, Message: i.Message, Link: i.Link, Renotify: true, CreateTime: now, DueTime: now,
	}
	n.Entry = m.addEntry(Entry{Kind: EntryEscalated, Time: now, Text: text + ": " + strings.Join(step.Targets, ", ")})
	m.notices = append(m.notices, n)
	next, ok := e.next(now)
	if !ok {
		m.incident.NextEscalation = time.Time{}
		return m.modification(), nil
	}
	m.incident.NextEscalation = next.DueTime
	return m.modification(), &next
}

// GroupNames returns the names of the groups among targets, in their order.
func GroupNames(targets []string) []string {
	var names []string
	for _, t := range targets {
		if name, ok := strings.CutPrefix(t, "@@"); ok {
			names = append(names, name)
		}
	}
	return names
}
