package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// escalating is the number of incidents of a case that escalate.
	escalating = 12
	// maxEscalationDelay is how late a step may be after its time or after the start of a killed
	// part, and how late its alert may be after it.
	maxEscalationDelay = 6 * time.Second
)

// escalationSteps are the steps of the policy. Their users are notified by messengers that change no
// earlier message, so that each call is one message.
var escalationSteps = []struct {
	user int
	wait time.Duration
}{{users, 0}, {users - 11, 2 * time.Second}, {users - 15, 4 * time.Second}}

// An escalationCase is a case of TestEscalations.
type escalationCase struct {
	store    string   // sqlite, postgres
	layout   string   // one: all in one process; pair: two incident services, and one of each other service
	victims  []string // parts, one or all of which are killed
	together bool     // all are killed
	provider string   // key of providers
}

func (c escalationCase) String() string {
	victims := strings.Join(c.victims, "/")
	if c.together {
		victims = strings.Join(c.victims, "+")
	}
	return fmt.Sprintf("escalation,%s,%s,kill=%s,provider=%s", c.store, c.layout, victims, c.provider)
}

// escalationCases returns the cases of a usual or of a long run. Two incident services share a
// database only on PostgreSQL.
func escalationCases() []escalationCase {
	pair := []string{"incident1", "incident2"}
	cases := []escalationCase{
		{store: "sqlite", layout: "one", victims: []string{"all"}, provider: "ok"},
		{store: "postgres", layout: "pair", victims: pair, provider: "ok"},
	}
	if !long {
		return cases
	}
	cases = append(cases, escalationCase{store: "postgres", layout: "one", victims: []string{"all"}, provider: "ok"},
		escalationCase{store: "postgres", layout: "pair", victims: pair, together: true, provider: "ok"})
	for _, part := range []string{"alert", "sender1", "broker", "edge", "directory"} {
		cases = append(cases, escalationCase{store: "postgres", layout: "pair", victims: []string{part}, provider: "ok"})
	}
	for _, provider := range []string{"500", "slow", "closes", "answers-dies"} {
		cases = append(cases, escalationCase{store: "sqlite", layout: "one", victims: []string{"all"}, provider: provider},
			escalationCase{store: "postgres", layout: "pair", victims: pair, provider: provider})
	}
	return cases
}

// TestEscalations kills parts while incidents escalate: each step is taken once and in time, an
// acknowledgment ends the escalation, and each message of a step is sent and none twice without a mark.
func TestEscalations(t *testing.T) {
	t.Parallel()
	for _, c := range escalationCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// start runs the system of the case, with users and the policy.
func (c escalationCase) start(t *testing.T) *system {
	var s *system
	if c.layout == "one" {
		s = newSystem(t).one(t, t.TempDir(), append(databaseFlags(t, c.store), "--incident-url="+newDatabase(t, c.store, "incident"))...)
	} else {
		s = withBroker(t).withIncidents(t, c.store)
	}
	policy := &incidentv1.SetEscalationPolicyRequest{Name: "night"}
	for _, step := range escalationSteps {
		policy.Steps = append(policy.Steps, &incidentv1.EscalationStep{Target: []string{fmt.Sprintf("@user%d", step.user)}, Wait: durationpb.New(step.wait)})
	}
	policies := incidentv1connect.NewEscalationPolicyServiceClient(s.client(), s.url)
	must(t, untilDone(limited(t), func(ctx context.Context) error {
		_, err := policies.SetEscalationPolicy(ctx, policy)
		return err
	}))
	return s
}

// withIncidents runs every service in a process of its own, with two incident services.
func (s *system) withIncidents(t testing.TB, store string) *system {
	t.Helper()
	byName, incidents := "--nats-url="+s.nats, newDatabase(t, store, "incident")
	s.serveByName(t, store)
	for _, name := range []string{"incident1", "incident2"} {
		s.serve(t, name, "incident", "--services=incident", "--data="+t.TempDir(), "--incident-url="+incidents, byName)
	}
	s.awaitInstances(t, s.url)
	s.settle(t, s.url)
	return s
}

// untilDone calls do until it returns no error, or until ctx ends.
func untilDone(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		wait(ctx, 50*time.Millisecond) // another process may be about to start
	}
}

// An escalated is an incident of a case.
type escalated struct {
	alert alertRequest
	open  time.Duration // delay of its alert
	ack   time.Duration // delay of its acknowledgment after that; 0 for none

	acked time.Time // when the acknowledgment was answered; zero for none
}

// escalatedOf returns random incidents, a third of which are acknowledged.
func escalatedOf(rng *rand.Rand) []*escalated {
	all := make([]*escalated, escalating)
	for i := range all {
		message := fmt.Sprintf("disk of db%d is full", i)
		all[i] = &escalated{
			alert: alertRequest{target: `"@nobody"`, severity: "high", message: message, key: message, more: fmt.Sprintf(`,"key":%q,"escalation":"night"`, message)},
			open:  upTo(rng, 4*time.Second),
		}
		if i%3 == 0 {
			all[i].ack = time.Second + upTo(rng, 6*time.Second)
		}
	}
	return all
}

// run opens incidents while parts are killed, and checks the steps.
func (c escalationCase) run(t *testing.T) {
	rng := draw(c.String())
	s := c.start(t)
	if c.provider != "ok" {
		s.behave(t, providers[c.provider].fault)
	}
	start, all := time.Now(), escalatedOf(rng)
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	var callers sync.WaitGroup
	for _, e := range all {
		callers.Go(func() { s.escalate(ctx, t, e) })
	}
	for range faultsPerCase {
		wait(ctx, time.Second+upTo(rng, 2*time.Second))
		victims := c.victims
		if !c.together {
			victims = []string{victims[rng.IntN(len(victims))]}
		}
		down := upTo(rng, 300*time.Millisecond)
		s.recordFault(func() {
			s.kill(victims...)
			wait(ctx, down)
			s.start(t, victims...)
		})
	}
	callers.Wait()
	if c.provider != "ok" {
		s.behave(t, providers["ok"].fault)
	}
	incidents := s.escalatedIncidents(ctx, t, all)
	r := s.judgeEscalations(t, all, incidents)
	r.name, r.took = c.String(), time.Since(start)
	results.add(r)
	s.living(t)
}

// escalate opens an incident, and acknowledges it where it is to be.
func (s *system) escalate(ctx context.Context, t *testing.T, e *escalated) {
	wait(ctx, e.open)
	s.drive(ctx, []*alertRequest{&e.alert}, new(counter))
	if e.alert.id == "" {
		t.Errorf("%q was not accepted", e.alert.message)
		return
	}
	if e.ack == 0 {
		return
	}
	wait(ctx, e.ack)
	if err := untilDone(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := s.incidents().AckIncident(ctx, &incidentv1.AckIncidentRequest{Id: e.alert.id})
		return err
	}); err != nil {
		t.Errorf("%q was not acknowledged: %v", e.alert.message, err)
	}
	e.acked = time.Now()
}

func (s *system) incidents() incidentv1connect.IncidentServiceClient {
	return incidentv1connect.NewIncidentServiceClient(s.client(), s.url)
}

// escalatedIncidents waits until no step of the incidents is left and the alerts of all are recorded,
// and returns them.
func (s *system) escalatedIncidents(ctx context.Context, t *testing.T, all []*escalated) []*incidentv1.GetIncidentResponse {
	t.Helper()
	incidents := make([]*incidentv1.GetIncidentResponse, len(all))
	for i, e := range all {
		for {
			res, err := s.incidents().GetIncident(ctx, &incidentv1.GetIncidentRequest{Id: e.alert.id})
			if err != nil && connect.CodeOf(err) != connect.CodeNotFound {
				t.Fatal(err)
			}
			if err == nil && isEscalated(res) {
				incidents[i] = res
				break
			}
			if wait(ctx, 50*time.Millisecond); ctx.Err() != nil { // other processes can only be polled
				t.Fatalf("the escalation of %q has not ended: %v", e.alert.message, res)
			}
		}
	}
	return incidents
}

// isEscalated reports whether no step is left and the alert of each notice is recorded.
func isEscalated(res *incidentv1.GetIncidentResponse) bool {
	return res.GetIncident().GetNextEscalationTime() == nil &&
		!slices.ContainsFunc(res.GetEntries(), func(e *incidentv1.IncidentEntry) bool { return e.GetAlertId() == "" })
}

// stepsOf returns the entries of the steps of an incident.
func stepsOf(res *incidentv1.GetIncidentResponse) (steps []*incidentv1.IncidentEntry) {
	for _, e := range res.GetEntries() {
		if e.GetKind() == incidentv1.IncidentEntryKind_INCIDENT_ENTRY_KIND_ESCALATED {
			steps = append(steps, e)
		}
	}
	return steps
}

// judgeEscalations compares the steps, the ledger and the calls to the fakes.
func (s *system) judgeEscalations(t *testing.T, all []*escalated, incidents []*incidentv1.GetIncidentResponse) (r caseResult) {
	t.Helper()
	alerts, seen := s.ended(t), s.callsByDelivery(t)
	r.CompareDeliveries(t, alerts, seen)
	waits := s.waits(alerts, seen)
	byID, byIncident := map[string]*alertv1.Alert{}, map[string]int{} // the latter counts the steps
	for _, a := range alerts {
		byID[a.GetAlert().GetId()] = a.GetAlert()
		if a.GetAlert().GetSource() == job.IncidentSource && a.GetAlert().GetStatus() == alertv1.AlertStatus_ALERT_STATUS_FIRING {
			byIncident[a.GetAlert().GetIncidentId()]++
		}
		for _, d := range a.GetDeliveries() {
			r.judgeWait(t, waits, a.GetAlert().GetCreateTime().AsTime(), d)
		}
	}
	for i, e := range all {
		r.Lost += s.judgeSteps(t, e, incidents[i], byID)
		if got, want := byIncident[e.alert.id], len(stepsOf(incidents[i])); got != want {
			t.Errorf("%q has %d steps and %d alerts of steps", e.alert.message, want, got)
		}
	}
	return r
}

// judgeSteps checks the steps of an incident and their alerts, and returns how many are missing. One
// that was acknowledged has those until then.
func (s *system) judgeSteps(t *testing.T, e *escalated, res *incidentv1.GetIncidentResponse, alerts map[string]*alertv1.Alert) (lost int) {
	t.Helper()
	steps, previous := stepsOf(res), res.GetIncident().GetOpenTime().AsTime()
	if acked := res.GetIncident().GetState() == incidentv1.IncidentState_INCIDENT_STATE_ACKNOWLEDGED; acked != (e.ack > 0) {
		t.Errorf("%q is %s", e.alert.message, res.GetIncident().GetState())
	}
	if want := len(escalationSteps); len(steps) > want || e.acked.IsZero() && len(steps) < want {
		t.Errorf("%q has %d steps of %d: %v", e.alert.message, len(steps), want, res)
		return max(0, want-len(steps))
	}
	for i, entry := range steps {
		step, taken := escalationSteps[i], entry.GetTime().AsTime()
		if text := fmt.Sprintf("step %d of %d: @user%d", i+1, len(escalationSteps), step.user); entry.GetText() != text {
			t.Errorf("%q: %q, want %q", e.alert.message, entry.GetText(), text)
		}
		due := previous.Add(step.wait)
		latest := s.latest(due)
		if i == 0 { // its incident may be as late
			latest = s.latest(latest)
		}
		if taken.Before(due) || taken.After(latest) {
			t.Errorf("%q: step %d is due at %s, at the latest at %s, and was taken at %s", e.alert.message, i+1, due, latest, taken)
		}
		if !e.acked.IsZero() && taken.After(e.acked) {
			t.Errorf("%q: step %d was taken at %s, after the acknowledgment at %s", e.alert.message, i+1, taken, e.acked)
		}
		if a := alerts[entry.GetAlertId()]; a == nil || !slices.Equal(a.GetTarget(), []string{fmt.Sprintf("@user%d", step.user)}) || a.GetUserCount() != 1 {
			t.Errorf("%q: the alert of step %d is %v", e.alert.message, i+1, a)
			lost++
		} else if sent := a.GetCreateTime().AsTime(); sent.After(s.latest(taken)) {
			t.Errorf("%q: step %d was taken at %s, and its alert recorded at %s", e.alert.message, i+1, taken, sent)
		}
		previous = taken
	}
	return lost
}

// latest returns until when something must have happened that is due: faults before that delay it.
func (s *system) latest(due time.Time) time.Time {
	for _, f := range s.faultTimes {
		if f.start.Before(due.Add(maxEscalationDelay)) && f.end.After(due) {
			due = f.end
		}
	}
	return due.Add(maxEscalationDelay)
}

// TestEscalationUsers checks that the users of steps are notified by messengers that change no earlier
// message, and neither cost money nor hold back repeated calls.
func TestEscalationUsers(t *testing.T) {
	for _, step := range escalationSteps {
		spec := specOf(routeOf(step.user))
		if !slices.Contains([]string{"webhook", "httpx", "mattermost"}, spec.Name) || spec.Costly || intervalOf(routeOf(step.user), false) > time.Second {
			t.Errorf("user%d is notified by %s", step.user, spec.Name)
		}
	}
}
