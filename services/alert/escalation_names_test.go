package alert_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/incident"
	incidentstore "github.com/bongsu-project/bongsu/services/incident/store"
)

// A policyService is the incident service, whose calls are counted and can fail.
type policyService struct {
	*incident.EscalationPolicyHandler
	calls  atomic.Int32
	failed atomic.Bool
}

func (s *policyService) GetEscalationPolicy(ctx context.Context, req *incidentv1.GetEscalationPolicyRequest) (*incidentv1.GetEscalationPolicyResponse, error) {
	s.calls.Add(1)
	if s.failed.Load() {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("away"))
	}
	return s.EscalationPolicyHandler.GetEscalationPolicy(ctx, req)
}

// set creates a policy.
func (s *policyService) set(t *testing.T, name string) {
	t.Helper()
	_, err := s.SetEscalationPolicy(t.Context(), &incidentv1.SetEscalationPolicyRequest{
		Name: name, Steps: []*incidentv1.EscalationStep{{Target: []string{"@kim"}, Wait: durationpb.New(time.Minute)}},
	})
	must(t, err)
}

// newEscalationHarness returns a harness that looks up escalation policies at a service, with its log.
func newEscalationHarness(t *testing.T) (*serviceHarness, *policyService, *logtest.Buffer) {
	t.Helper()
	h, log := newServiceHarness(t), &logtest.Buffer{}
	store, err := incidentstore.Open(t.Context(), filepath.Join(t.TempDir(), "incident.db"))
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	now := func() time.Time { return h.now }
	policies := &policyService{EscalationPolicyHandler: &incident.EscalationPolicyHandler{Policies: store, Resolver: h.alerts, Now: now}}
	h.alerts.Escalations, err = alert.NewEscalationNames(now, slog.New(slog.NewTextHandler(log, nil)))
	must(t, err)
	h.alerts.Escalations.Policies = alert.EscalationClient{Service: policies}
	return h, policies, log
}

// escalating returns an alert that names an escalation policy.
func escalating(name string) *alertv1.SendAlertRequest {
	return &alertv1.SendAlertRequest{Target: []string{"@lee"}, Message: "m", Key: "k", Escalation: name}
}

// TestEscalationNames checks that names that were found are known for 10 seconds and others are looked
// up each time, that alerts without a name cause no lookup, and that all are accepted while no lookup
// succeeds.
func TestEscalationNames(t *testing.T) {
	h, policies, log := newEscalationHarness(t)
	send := func(req *alertv1.SendAlertRequest, accepted bool, calls int32) {
		t.Helper()
		before := policies.calls.Load()
		_, err := h.alerts.SendAlert(t.Context(), req)
		if accepted {
			must(t, err)
		} else if fields := fault.Fields(err); !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != "escalation" {
			t.Errorf("%v", err)
		}
		if got := policies.calls.Load() - before; got != calls {
			t.Errorf("%d lookups, want %d", got, calls)
		}
	}
	send(escalating(""), true, 0)
	send(escalating("night"), false, 1)
	send(escalating("night"), false, 1)
	policies.set(t, "night")
	send(escalating("night"), true, 1)
	send(escalating("night"), true, 0)
	_, err := policies.DeleteEscalationPolicy(t.Context(), &incidentv1.DeleteEscalationPolicyRequest{Name: "night"})
	must(t, err)
	send(escalating("night"), true, 0)
	h.now = h.now.Add(10 * time.Second)
	send(escalating("night"), false, 1)
	for _, status := range []alertv1.AlertStatus{alertv1.AlertStatus_ALERT_STATUS_RESOLVED, alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED} {
		req := escalating("night")
		req.Status = status
		send(req, true, 0)
	}
	if log.String() != "" {
		t.Errorf("logged %s", log.String())
	}
	policies.failed.Store(true)
	send(escalating("night"), true, 1)
	if log.Count(`level=WARN msg="escalation policy not checked" escalation=night`) != 1 {
		t.Errorf("logged %s", log.String())
	}
}

// TestEscalationNamesOfABatch checks that each name of a batch is looked up once, that the alerts of a
// caller with an unknown one are refused, and that those of a source are recorded with a warning.
func TestEscalationNamesOfABatch(t *testing.T) {
	h, policies, log := newEscalationHarness(t)
	policies.set(t, "night")
	batch := func() []*alertv1.SendAlertRequest {
		return []*alertv1.SendAlertRequest{escalating("night"), escalating("nigth"), escalating(""), escalating("nigth"), escalating("night")}
	}
	_, results := h.sendAlerts(t, "", "", batch()...)
	for i, r := range results {
		refused := i == 1 || i == 3
		if (r.GetOutcome() == alertv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED) != refused || (r.GetField() == "escalation") != refused {
			t.Errorf("alert %d: %v", i, r)
		}
	}
	if calls := policies.calls.Load(); calls != 2 {
		t.Errorf("%d lookups", calls)
	}
	for i, r := range h.results(t, job.EventSource, nil, batch()...) {
		if r.GetOutcome() != jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED {
			t.Errorf("alert %d: %v", i, r)
		}
	}
	if log.Count(`level=WARN msg="unknown escalation policy" source=event escalation=nigth`) != 1 {
		t.Errorf("logged %s", log.String())
	}
}
