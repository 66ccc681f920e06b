package incident_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// A step is a change or an action in the life of an incident.
type step func(i incident.Incident, n int) (incident.Modification, error)

// alert is a change by an alert of others.
func alert(kind incident.ChangeKind, severity string) step {
	return func(i incident.Incident, n int) (incident.Modification, error) {
		return incident.ApplyChange(i, change(kind, severity, n)), nil
	}
}

// own is a change by an alert of this service.
func own(kind incident.ChangeKind) step {
	return func(i incident.Incident, n int) (incident.Modification, error) {
		c := change(kind, "own", n)
		c.Alert.Own = true
		return incident.ApplyChange(i, c), nil
	}
}

// act is an action by kim.
func act(rule func(incident.Action) incident.Rule) step {
	return func(i incident.Incident, n int) (incident.Modification, error) {
		return rule(incident.Action{By: "kim", Time: at(n)})(i)
	}
}

func change(kind incident.ChangeKind, severity string, n int) incident.Change {
	return incident.Change{ID: int64(n), Incident: 1, Kind: kind, Alert: incident.Alert{
		ID: int64(n), Key: "disk", Targets: []string{"@user1"}, Severity: severity, Message: "full", Time: at(n),
	}}
}

// at returns a time n seconds after the begin of the tests.
func at(n int) time.Time { return time.Date(2026, 5, 1, 12, 0, n, 0, time.UTC) }

// Short names of the steps.
var (
	opened   = alert(incident.ChangeOpened, "high")
	updated  = alert(incident.ChangeUpdated, "critical")
	repeated = alert(incident.ChangeRepeated, "high")
	reopened = alert(incident.ChangeReopened, "low")
	resolved = alert(incident.ChangeResolved, "high")
	acked    = alert(incident.ChangeAcknowledged, "high")
	ack      = act(incident.Acknowledge)
	unack    = act(incident.Unacknowledge)
	resolve  = act(incident.Resolve)
)

// TestLife checks the state, the severity, the entries and the notices after each life.
func TestLife(t *testing.T) {
	for name, life := range map[string]struct {
		steps   []step
		want    string // state/severity/alerts/reopened/acknowledged by
		entries string // kinds
		notices string // statuses
	}{
		"opened":                    {[]step{opened}, "1/high/1/0/", "[1]", "[]"},
		"updated":                   {[]step{opened, updated}, "1/critical/2/0/", "[1 2]", "[]"},
		"repeated":                  {[]step{opened, updated, repeated}, "1/high/3/0/", "[1 2]", "[]"},
		"resolved":                  {[]step{opened, resolved}, "3/high/2/0/", "[1 4]", "[]"},
		"resolved twice":            {[]step{opened, resolved, resolved}, "3/high/3/0/", "[1 4]", "[]"},
		"reopened":                  {[]step{opened, resolved, reopened}, "1/low/3/1/", "[1 4 3]", "[]"},
		"acknowledged":              {[]step{opened, ack, own(incident.ChangeAcknowledged)}, "2/high/2/0/kim", "[1 5]", "[3]"},
		"acknowledged twice":        {[]step{opened, ack, ack}, "2/high/1/0/kim", "[1 5]", "[3]"},
		"updated later":             {[]step{opened, ack, updated}, "2/critical/2/0/kim", "[1 5 2]", "[3]"},
		"by an alert":               {[]step{opened, acked}, "2/high/2/0/", "[1 5]", "[]"},
		"unacknowledged":            {[]step{opened, ack, unack, own(incident.ChangeAcknowledged), own(incident.ChangeUpdated)}, "1/high/3/0/", "[1 5 6]", "[3 1]"},
		"nothing to take back":      {[]step{opened, unack}, "1/high/1/0/", "[1]", "[]"},
		"resolved by kim":           {[]step{opened, resolve, own(incident.ChangeResolved)}, "3/high/2/0/", "[1 4]", "[2]"},
		"resolved by both":          {[]step{opened, resolve, resolved}, "3/high/2/0/", "[1 4]", "[2]"},
		"resolved and acknowledged": {[]step{opened, ack, resolve}, "3/high/1/0/kim", "[1 5 4]", "[3 2]"},
		// The alert was recorded before the resolved one of kim.
		"updated meanwhile":  {[]step{opened, resolve, updated, own(incident.ChangeResolved)}, "3/critical/3/0/", "[1 4 2]", "[2]"},
		"reopened after kim": {[]step{opened, ack, resolve, own(incident.ChangeResolved), reopened}, "1/low/3/1/", "[1 5 4 3]", "[3 2]"},
		"closed under kim":   {[]step{opened, resolve, resolved, reopened, own(incident.ChangeResolved)}, "3/low/4/1/", "[1 4 3 4]", "[2]"},
		// An unacknowledgment that came after the resolution is resolved anew.
		"reopened by kim":  {[]step{opened, ack, unack, resolved, own(incident.ChangeReopened)}, "3/high/3/0/", "[1 5 6 4]", "[3 1 2]"},
		"opened by kim":    {[]step{own(incident.ChangeOpened)}, "3/own/1/0/", "[1]", "[2]"},
		"unknown":          {[]step{updated}, "1/critical/1/0/", "[1 2]", "[]"},
		"unknown and over": {[]step{resolved}, "3/high/1/0/", "[1 4]", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			var i incident.Incident
			kinds, statuses := []incident.EntryKind{}, []incident.Status{}
			for n, s := range life.steps {
				m, err := s(i, n+1)
				kittest.NoError(t, err)
				if m.Incident == nil {
					continue
				}
				i = *m.Incident
				for _, e := range m.Entries {
					kinds = append(kinds, e.Kind)
					kittest.Equal(t, e.Number, len(kinds))
				}
				for _, notice := range m.Notices {
					statuses = append(statuses, notice.Status)
				}
			}
			got := fmt.Sprintf("%d/%s/%d/%d/%s", i.State, i.Severity, i.AlertCount, i.ReopenCount, i.AckBy)
			kittest.Equal(t, got, life.want)
			kittest.Equal(t, fmt.Sprint(kinds), life.entries)
			kittest.Equal(t, fmt.Sprint(statuses), life.notices)
			kittest.Equal(t, i.ResolveTime.IsZero(), i.Open())
			kittest.Equal(t, i.EntryCount, len(kinds))
		})
	}
}

// TestActionsOnResolved checks which actions need an open incident.
func TestActionsOnResolved(t *testing.T) {
	i := *incident.ApplyChange(incident.Incident{}, change(incident.ChangeResolved, "high", 1)).Incident
	for _, s := range []step{ack, unack} {
		_, err := s(i, 2)
		kittest.Error(t, err, fault.ErrPrecondition, "resolved")
	}
	m, err := resolve(i, 2)
	kittest.NoError(t, err)
	kittest.Equal(t, m.Incident == nil, true)
}

// TestTargetsOfAlerts checks that an incident has all targets and messengers of its alerts.
func TestTargetsOfAlerts(t *testing.T) {
	first, second, third := change(incident.ChangeOpened, "high", 1), change(incident.ChangeUpdated, "high", 2), change(incident.ChangeUpdated, "high", 3)
	first.Alert.Targets, first.Alert.By = []string{"@a", "@a", "@b"}, []string{"slack"}
	second.Alert.Targets, second.Alert.By = []string{"@b", "@c"}, []string{"slack", "email"}
	i := *incident.ApplyChange(*incident.ApplyChange(incident.Incident{}, first).Incident, second).Incident
	kittest.Equal(t, fmt.Sprint(i.Targets, i.By), "[@a @b @c] [slack email]")
	i = *incident.ApplyChange(i, third).Incident // to all messengers
	kittest.Equal(t, fmt.Sprint(i.Targets, i.By), "[@a @b @c @user1] []")
	many := change(incident.ChangeUpdated, "high", 4)
	for n := range 2000 {
		many.Alert.Targets = append(many.Alert.Targets, fmt.Sprint("@", n))
	}
	kittest.Equal(t, len(incident.ApplyChange(i, many).Incident.Targets), incident.MaxTargets)
}

// TestTimelineIsBounded checks that alerts leave room for comments, and that a full timeline
// still takes actions.
func TestTimelineIsBounded(t *testing.T) {
	i := *incident.ApplyChange(incident.Incident{}, change(incident.ChangeOpened, "high", 1)).Incident
	for n := 2; n <= 2000; n++ {
		i = *incident.ApplyChange(i, change(incident.ChangeUpdated, "high", n)).Incident
	}
	kittest.Equal(t, [2]int64{int64(i.EntryCount), i.AlertCount}, [2]int64{900, 2000})
	var added incident.Entry
	comment := incident.Comment(incident.Action{By: "kim", Comment: "on it", Time: at(9)}, &added)
	for range 100 {
		m, err := comment(i)
		kittest.NoError(t, err)
		i = *m.Incident
	}
	kittest.Equal(t, added, incident.Entry{Number: 1000, Kind: incident.EntryCommented, Time: at(9), By: "kim", Text: "on it"})
	_, err := comment(i)
	kittest.Error(t, err, fault.ErrExhausted, "1000")
	m, err := ack(i, 10)
	kittest.NoError(t, err)
	kittest.Equal(t, [2]int{len(m.Entries), len(m.Notices)}, [2]int{0, 1})
	kittest.Equal(t, m.Incident.State, incident.Acknowledged)
}
