package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

const (
	// flapWindow and flapChanges define flapping: this many changes between up and down within
	// the window. It ends when there was none for as long.
	flapWindow, flapChanges = 15 * time.Minute, 4
	// maxChanges is the maximum length of Status.Changes.
	maxChanges = 10
	// maxUnknown is the maximum number of unknown results in a row after which the state is
	// unknown; fewer do if fewer failures make it down.
	maxUnknown = 5
	// minRecent is the minimum of the stored outcomes, from which the state is derived again at
	// the end of a maintenance window.
	minRecent = 20
)

// The outcomes in Status.Recent.
const (
	passed, failed, unknown = 'p', 'f', 'u'
)

// Conditions decide, besides the monitor itself, how a result is judged.
type Conditions struct {
	Maintenance bool   // the monitor is in a maintenance window
	Dependency  string // the name of a monitor that it depends on and that fails; empty for none
}

// apply returns a result under the conditions: a failed one is unknown while a dependency fails.
func (c Conditions) apply(r Result) Result {
	if r.Outcome == probe.Failed && c.Dependency != "" {
		r.Outcome, r.Message = probe.Unknown, joinReason(fmt.Sprintf("depends on %s, which is down", c.Dependency), r.Message)
	}
	return r
}

// Judge returns the status of a monitor after a result, and the notices of the change.
//
// An unknown result counts neither as passed nor as failed, and so does a failed one while a
// dependency fails. No failure notifies while the monitor is in maintenance, flapping, or
// without targets; a monitor that still fails after it notifies then. An alert that is open is resolved
// in maintenance too, so that its escalation ends.
func Judge(m Monitor, r Result, c Conditions) (Status, []Notice) {
	if m.Status.State == Paused {
		s := m.Status
		r.State = Paused
		s.Last = r
		return s, nil
	}
	j := judgement{settings: m.Settings, before: m.Status, status: m.Status, result: c.apply(r), conditions: c}
	j.count()
	j.changeState()
	began := j.flap()
	j.notify(began)
	j.result.State = j.status.State
	j.status.Last = j.result
	return j.status, j.notices
}

// A judgement is one call of Judge.
type judgement struct {
	settings   Settings
	before     Status
	status     Status // the new one
	result     Result
	conditions Conditions
	notices    []Notice
}

// outcome returns the outcome that counts.
func (j *judgement) outcome() byte {
	switch j.result.Outcome {
	case probe.Passed:
		return passed
	case probe.Failed:
		return failed
	default:
		return unknown
	}
}

// count adds the outcome to Recent. Unknown ones are kept only until the next one that counts,
// so that they take little place in the window.
func (j *judgement) count() {
	recent, outcome := j.status.Recent, j.outcome()
	if outcome != unknown {
		recent = strings.TrimRight(recent, string(rune(unknown)))
	}
	if outcome != unknown || j.unknownCount() < maxUnknown {
		recent += string(rune(outcome))
	}
	limit := min(max(j.settings.Window, j.settings.Recoveries, minRecent), MaxWindow)
	j.status.Recent = recent[max(0, len(recent)-limit):]
}

// changeState sets the state, when it began, and the reason.
func (j *judgement) changeState() {
	state := j.nextState()
	if state == Up && j.before.State == Down {
		// The failures before a recovery do not count against later results.
		recent := j.status.Recent
		j.status.Recent = recent[len(recent)-min(len(recent), max(j.settings.Recoveries, 1)):]
	}
	if state != j.before.State {
		j.status.State, j.status.Since = state, j.result.Time
	}
	j.status.Reason = j.reason()
}

// nextState returns the state after the result.
func (j *judgement) nextState() State {
	switch {
	case j.conditions.Maintenance:
		return Maintenance
	case j.outcome() != unknown:
		return j.health()
	case j.before.State == Down: // an alert may be open, which only results that passed end
		return Down
	case j.conditions.Dependency != "", j.unknownCount() >= min(j.settings.Failures, maxUnknown):
		return Unknown
	case j.before.State == Maintenance:
		return j.health()
	default:
		return j.before.State
	}
}

// unknownCount returns the number of unknown results in a row.
func (j *judgement) unknownCount() int {
	recent := j.status.Recent
	return len(recent) - len(strings.TrimRight(recent, string(rune(unknown))))
}

// reason returns why the state is what it is.
func (j *judgement) reason() string {
	message := j.result.Message
	switch j.status.State {
	case Down:
		if j.outcome() != failed {
			return j.before.Reason
		}
		return message
	case Unknown:
		if j.outcome() != unknown {
			return j.before.Reason
		}
		return message
	case Maintenance:
		if j.outcome() == passed {
			return ""
		}
		return message
	default:
		return ""
	}
}

// joinReason returns a text with its subject, at most probe.MaxMessage bytes.
func joinReason(text, about string) string {
	if about != "" {
		text += ": " + about
	}
	return limitText(text, probe.MaxMessage)
}

// limitText returns the first bytes of a text, at most limit of them, without a part of a rune.
func limitText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}

// health returns the state of the target by the results: pending, up or down. From a state
// that does not include that of the target, it is derived from all stored results.
func (j *judgement) health() State {
	switch j.before.State {
	case Pending, Up, Down:
		return step(j.before.State, counted(j.status.Recent), j.settings)
	}
	start := Pending
	if j.before.Firing && !j.before.Flapping {
		start = Down
	}
	return replay(start, counted(j.status.Recent), j.settings)
}

// counted returns outcomes without unknown ones.
func counted(recent string) string { return strings.ReplaceAll(recent, string(rune(unknown)), "") }

// replay returns the state after outcomes, from a state before the first of them.
func replay(state State, outcomes string, s Settings) State {
	begin := 0
	for i := range outcomes {
		next := step(state, outcomes[begin:i+1], s)
		if state == Down && next == Up {
			begin = i + 1 - min(i+1, max(s.Recoveries, 1))
		}
		state = next
	}
	return state
}

// step returns the state after the last of outcomes, from the one before it.
func step(state State, outcomes string, s Settings) State {
	if outcomes == "" {
		return state
	}
	last := outcomes[len(outcomes)-1]
	switch {
	case state == Down:
		if strings.HasSuffix(outcomes, strings.Repeat(string(rune(passed)), max(s.Recoveries, 1))) {
			return Up
		}
	case last == failed:
		if failures, _ := failuresOf(outcomes, s.Window); failures >= s.Failures {
			return Down
		}
	case state == Pending:
		return Up
	}
	return state
}

// failuresOf returns the number of failed ones of the last outcomes, at most window of them, and
// how many these are.
func failuresOf(outcomes string, window int) (failures, of int) {
	outcomes = outcomes[max(0, len(outcomes)-window):]
	return strings.Count(outcomes, string(rune(failed))), len(outcomes)
}

// flap updates Changes and Flapping, and reports whether flapping began.
func (j *judgement) flap() (began bool) {
	s := &j.status
	changes := slices.DeleteFunc(slices.Clone(s.Changes), func(t time.Time) bool { return j.result.Time.Sub(t) >= flapWindow })
	if j.before.State == Up && s.State == Down || j.before.State == Down && s.State == Up {
		changes = append(changes, j.result.Time)
		began = !s.Flapping && len(changes) >= flapChanges
	}
	s.Changes = changes[max(0, len(changes)-maxChanges):]
	s.Flapping = began || s.Flapping && len(changes) > 0
	return began
}

// notify adds a notice if the last one contradicts the state, unless it is flapping
// since longer.
func (j *judgement) notify(began bool) {
	s := &j.status
	if s.Flapping && !began {
		return
	}
	switch {
	case s.Firing && (s.State == Up || s.State == Maintenance && j.health() == Up):
		j.add(true, j.recoveryText(began))
		s.Firing, s.FireTime = false, time.Time{}
	case !s.Firing && s.State == Down && j.outcome() == failed && len(j.settings.Targets) > 0:
		s.Firing, s.FireTime = true, j.result.Time
		j.add(false, j.failureText(began))
	}
}

// add adds a notice. A monitor without targets has none.
func (j *judgement) add(resolved bool, text string) {
	set := j.settings
	if len(set.Targets) == 0 {
		return
	}
	j.notices = append(j.notices, Notice{
		Monitor: set.Name, Resolved: resolved, Targets: set.Targets, By: set.By, Severity: set.Severity,
		Title: displayTitle(set), Message: text, Link: set.Link, Escalation: set.Escalation,
		CreateTime: j.result.Time, DueTime: j.result.Time,
	})
}

// failureText returns the message that the monitor is down.
func (j *judgement) failureText(flapping bool) string {
	s, set := j.status, j.settings
	text := joinReason(displayTitle(set)+" is down", s.Reason)
	if flapping {
		text = joinReason(j.flappingText()+", and is down now", s.Reason)
	}
	since := s.Since.UTC().Format("2006-01-02 15:04:05 UTC")
	failures, of := failuresOf(counted(s.Recent), set.Window)
	if of < 2 {
		return fmt.Sprintf("%s (since %s)", text, since)
	}
	return fmt.Sprintf("%s (%d of the last %d checks failed, since %s)", text, failures, of, since)
}

// recoveryText returns the message that the monitor is up again.
func (j *judgement) recoveryText(flapping bool) string {
	if flapping {
		return j.flappingText() + ", and is up now; the next notice follows when it has been stable for " + minutes(flapWindow)
	}
	return fmt.Sprintf("%s is up again after %s", displayTitle(j.settings), durationText(j.result.Time.Sub(j.status.FireTime)))
}

func (j *judgement) flappingText() string {
	return fmt.Sprintf("%s is flapping: %d changes in %s", displayTitle(j.settings), len(j.status.Changes), minutes(flapWindow))
}

// displayTitle returns the title of a monitor, or its name.
func displayTitle(s Settings) string { return cmp.Or(s.Title, s.Name) }

// minutes returns a duration as minutes.
func minutes(d time.Duration) string { return fmt.Sprintf("%d min", d/time.Minute) }

// durationText returns a duration in seconds, without units that are zero at its end, as 1d2h or
// 12m30s.
func durationText(d time.Duration) string {
	d = d.Round(time.Second)
	if d < time.Second {
		return "0s"
	}
	text := ""
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / unit.is; n > 0 || text != "" && d > 0 {
			text += fmt.Sprintf("%d%s", n, unit.name)
			d %= unit.is
		}
	}
	return text
}
