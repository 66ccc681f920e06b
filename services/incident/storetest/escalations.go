package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// night is the policy that the incidents of the tests name.
var night = incident.Policy{
	Name: "night", RepeatCount: 1, UpdateTime: now,
	Steps: []incident.Step{{Targets: []string{"@lee"}, By: []string{"sms"}, Wait: 10 * time.Second}, {Targets: []string{"@@ops", "@boss"}, Wait: 5 * time.Minute}},
}

// escalated is opened for an alert that names the policy night.
func escalated(id int64) incident.Change {
	c := opened(id)
	c.Alert.Escalation = night.Name
	return c
}

// setPolicy stores a policy.
func setPolicy(t testing.TB, s incident.Store, p incident.Policy) {
	t.Helper()
	kittest.NoError(t, s.SetPolicy(t.Context(), p))
}

// take takes the steps that are due at a time, and requires their number and when the next one is
// due: seconds after now, -1 for none.
func take(t testing.TB, s incident.Store, seconds, want, next int) {
	t.Helper()
	taken, due, err := s.TakeEscalations(t.Context(), at(seconds), 10)
	kittest.NoError(t, err)
	kittest.Equal(t, taken, want)
	if next < 0 {
		kittest.Equal(t, due.IsZero(), true)
		return
	}
	kittest.Equal(t, due, at(next))
}

func testPolicies(t *testing.T, s incident.Store) {
	day := incident.Policy{Name: "day", Steps: []incident.Step{{Targets: []string{"@kim"}}}, Groups: []string{"ops", "옵스"}, UpdateTime: at(1)}
	setPolicy(t, s, night)
	setPolicy(t, s, day)
	all, err := s.ListPolicies(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, all, []incident.Policy{day, night})

	other := night
	other.Groups = []string{"dba", "ops"}
	err = s.SetPolicy(t.Context(), other)
	kittest.Error(t, err, fault.ErrInvalid, "groups[1]: another escalation policy is attached to group ops")
	got, err := s.Policy(t.Context(), "night")
	kittest.NoError(t, err)
	kittest.Equal(t, got, night)

	day.Groups, day.RepeatCount = []string{"옵스"}, 3
	setPolicy(t, s, day)
	setPolicy(t, s, other)
	got, err = s.Policy(t.Context(), "day")
	kittest.NoError(t, err)
	kittest.Equal(t, got, day)
	got, err = s.Policy(t.Context(), "night")
	kittest.NoError(t, err)
	kittest.Equal(t, got, other)

	kittest.NoError(t, s.DeletePolicy(t.Context(), "night"))
	kittest.Error(t, s.DeletePolicy(t.Context(), "night"), fault.ErrNotFound, "escalation policy night")
	kittest.Error(t, kittest.ErrorOf(s.Policy(t.Context(), "night")), fault.ErrNotFound, "escalation policy night")
	day.Groups = []string{"dba", "ops"} // which are free again
	setPolicy(t, s, day)
}

// testEscalation checks that steps are taken when they are due, in their order and as often as
// their policy repeats them, each with an entry and a notice.
func testEscalation(t *testing.T, s incident.Store) {
	setPolicy(t, s, night)
	apply(t, s, escalated(1)) // at(1)
	kittest.Equal(t, get(t, s, 101).NextEscalation, at(11))
	take(t, s, 10, 0, 11)
	take(t, s, 11, 1, 311)
	take(t, s, 11, 0, 311)
	kittest.Equal(t, get(t, s, 101).NextEscalation, at(311))
	changed := night
	changed.Steps = night.Steps[:1]
	setPolicy(t, s, changed) // which has no effect on an escalation that has begun
	take(t, s, 400, 1, 460)  // late; at least a minute before a repetition
	take(t, s, 460, 1, 760)
	take(t, s, 760, 1, -1)
	kittest.Equal(t, get(t, s, 101).NextEscalation.IsZero(), true)
	take(t, s, 100_000, 0, -1)

	var texts []string
	for _, e := range entries(t, s, 101) {
		if e.Kind == incident.EntryEscalated {
			texts = append(texts, e.Text)
		}
	}
	kittest.Equal(t, texts, []string{
		"step 1 of 2: @lee", "step 2 of 2: @@ops, @boss", "step 1 of 2, repetition 1 of 1: @lee", "step 2 of 2, repetition 1 of 1: @@ops, @boss",
	})
	for i, want := range []incident.Step{night.Steps[0], night.Steps[1], night.Steps[0], night.Steps[1]} {
		notices, err := s.ClaimNotices(t.Context(), at(1000), at(2000), 10)
		kittest.NoError(t, err)
		kittest.Equal(t, len(notices), 1)
		n := notices[0]
		kittest.Equal(t, []any{n.Incident, n.Entry, n.Key, n.Status, n.Renotify, n.Message}, []any{int64(101), i + 2, "disk of db1", incident.StatusFiring, true, "disk is full"})
		kittest.Equal(t, n.Targets, want.Targets)
		kittest.Equal(t, n.By, want.By)
		kittest.NoError(t, s.NoticeSent(t.Context(), n, int64(500+i)))
	}
}

// testEscalationEnds checks that an acknowledgment and a resolution end an escalation, and that it
// begins anew when the acknowledgment is taken back and when the incident is reopened.
func testEscalationEnds(t *testing.T, s incident.Store) {
	setPolicy(t, s, night)
	apply(t, s, escalated(1))
	take(t, s, 11, 1, 311)
	acknowledge(t, s, 101, "kim", at(20))
	kittest.Equal(t, get(t, s, 101).NextEscalation.IsZero(), true)
	take(t, s, 1000, 0, -1)
	_, err := s.Modify(t.Context(), 101, incident.Unacknowledge(incident.Action{By: "kim", Time: at(1000)}))
	kittest.NoError(t, err)
	take(t, s, 1009, 0, 1010) // the first step again
	resolved := escalated(1)
	resolved.ID, resolved.Kind, resolved.Alert.ID, resolved.Alert.Time = 2, incident.ChangeResolved, 102, at(1005)
	apply(t, s, resolved)
	take(t, s, 2000, 0, -1)
	reopened := resolved
	reopened.ID, reopened.Kind, reopened.Alert.ID, reopened.Alert.Time = 3, incident.ChangeReopened, 103, at(2000)
	apply(t, s, reopened)
	take(t, s, 2009, 0, 2010)
	_, err = s.Modify(t.Context(), 101, incident.Resolve(incident.Action{Time: at(2009)}))
	kittest.NoError(t, err)
	take(t, s, 5000, 0, -1)
}

// testEscalationOfGroup checks which policy an incident has: that of its alert, else that of its
// first group that has one, and that an unknown one is on record.
func testEscalationOfGroup(t *testing.T, s incident.Store) {
	day := incident.Policy{Name: "day", Steps: []incident.Step{{Targets: []string{"@kim"}}}, Groups: []string{"ops"}, UpdateTime: now}
	setPolicy(t, s, day)
	unknown := escalated(1)
	ofGroup, ofNone := opened(2), opened(3)
	ofGroup.Alert.Targets = []string{"@ops", "@@dba", "@@ops"}
	ofNone.Alert.Targets = []string{"@ops", "@@dba"}
	apply(t, s, unknown, ofGroup, ofNone)
	kittest.Equal(t, get(t, s, 102).Escalation, "day")
	kittest.Equal(t, get(t, s, 102).NextEscalation, at(2))
	kittest.Equal(t, get(t, s, 103).Escalation, "")
	last := entries(t, s, 101)
	kittest.Equal(t, last[len(last)-1].Text, "unknown escalation policy night: nobody is notified")
	take(t, s, 10, 1, -1)
}

// testEscalateAtOnce checks that of several processes one takes a step.
func testEscalateAtOnce(t *testing.T, s incident.Store) {
	policy := night
	policy.RepeatCount = 0
	setPolicy(t, s, policy)
	var all []incident.Change
	for id := range int64(20) {
		all = append(all, escalated(id+1))
	}
	apply(t, s, all...)
	counts := make([]int, 4)
	var g errgroup.Group
	for p := range counts {
		g.Go(func() error {
			for range 5 {
				taken, _, err := s.TakeEscalations(t.Context(), at(100), 5)
				if err != nil {
					return err
				}
				counts[p] += taken
			}
			return nil
		})
	}
	kittest.NoError(t, g.Wait())
	total := 0
	for _, n := range counts {
		total += n
	}
	for id := range int64(20) {
		steps := slices.DeleteFunc(entries(t, s, 101+id), func(e incident.Entry) bool { return e.Kind != incident.EntryEscalated })
		if len(steps) != 1 {
			t.Errorf("incident %d has steps %s", 101+id, fmt.Sprint(steps))
		}
	}
	kittest.Equal(t, total, 20)
}
