package event_test

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

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/services/event"
	"github.com/bongsu-project/bongsu/services/incident"
	incidentstore "github.com/bongsu-project/bongsu/services/incident/store"
)

// A policyService is the incident service, whose lookups can fail or wait for their timeout.
type policyService struct {
	*incident.EscalationPolicyHandler
	failed, silent atomic.Bool
}

func (s *policyService) GetEscalationPolicy(ctx context.Context, req *incidentv1.GetEscalationPolicyRequest) (*incidentv1.GetEscalationPolicyResponse, error) {
	if s.failed.Load() {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("away"))
	}
	if s.silent.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.EscalationPolicyHandler.GetEscalationPolicy(ctx, req)
}

// newEscalationHandler returns a handler that looks up escalation policies at a service, with its log.
func newEscalationHandler(t *testing.T) (*event.RuleHandler, *policyService, *logtest.Buffer) {
	t.Helper()
	h, _ := newHandler(t)
	store, err := incidentstore.Open(t.Context(), filepath.Join(t.TempDir(), "incident.db"))
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, store.Close()) })
	policies := &policyService{EscalationPolicyHandler: &incident.EscalationPolicyHandler{Policies: store, Resolver: h.Resolver, Now: h.Now}}
	log := &logtest.Buffer{}
	h.Escalations, h.Log = event.EscalationClient{Service: policies}, slog.New(slog.NewTextHandler(log, nil))
	return h, policies, log
}

// escalating returns a rule that names an escalation policy.
func escalating(name, policy string) *eventv1.EventRule {
	r := wireRule(name)
	r.Key, r.Escalation = "order {{.data.n}}", policy
	return r
}

// requireUnknown checks the error of a rule with an unknown escalation policy.
func requireUnknown(t *testing.T, err error) {
	t.Helper()
	if fields := fault.Fields(err); !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != "rule.escalation" || fault.ReasonOf(err) != "UNKNOWN_ESCALATION_POLICY" {
		t.Errorf("%v", err)
	}
}

// TestRuleEscalation creates, replaces and tests rules that name an unknown escalation policy: they
// are refused and not stored, until the policy is created. A rule that is disabled is not checked.
func TestRuleEscalation(t *testing.T) {
	h, policies, log := newEscalationHandler(t)
	_, err := h.CreateEventRule(t.Context(), &eventv1.CreateEventRuleRequest{Rule: escalating("disk", "nigth")})
	requireUnknown(t, err)
	_, err = h.TestEventRule(t.Context(), &eventv1.TestEventRuleRequest{Rule: escalating("disk", "nigth"), Event: &eventv1.Event{Type: "order.paid"}})
	requireUnknown(t, err)
	_, err = h.GetEventRule(t.Context(), &eventv1.GetEventRuleRequest{Name: "disk"})
	kittest.Error(t, err, fault.ErrNotFound, "disk")

	_, err = policies.SetEscalationPolicy(t.Context(), &incidentv1.SetEscalationPolicyRequest{
		Name: "night", Steps: []*incidentv1.EscalationStep{{Target: []string{"@kim"}, Wait: durationpb.New(time.Minute)}},
	})
	kittest.NoError(t, err)
	made := create(t, h, escalating("disk", "night"))
	update := func(r *eventv1.EventRule) (*eventv1.EventRule, error) {
		res, err := h.UpdateEventRule(t.Context(), &eventv1.UpdateEventRuleRequest{Name: "disk", Rule: r})
		return res.GetRule(), err
	}
	_, err = update(escalating("disk", "nigth"))
	requireUnknown(t, err)
	got, err := h.GetEventRule(t.Context(), &eventv1.GetEventRuleRequest{Name: "disk"})
	kittest.NoError(t, err)
	equalRules(t, got.GetRule(), made)

	_, err = policies.DeleteEscalationPolicy(t.Context(), &incidentv1.DeleteEscalationPolicyRequest{Name: "night"})
	kittest.NoError(t, err)
	gone := escalating("disk", "night")
	_, err = update(gone)
	requireUnknown(t, err)
	gone.Disabled = true
	disabled, err := update(gone)
	kittest.NoError(t, err)
	kittest.Equal(t, disabled.GetDisabled(), true)
	kittest.Equal(t, log.String(), "")
}

// TestRuleEscalationUnchecked creates rules while the lookup of their escalation policy fails, or does
// not respond in time: they are stored, with a warning. That of a caller who is gone is not.
func TestRuleEscalationUnchecked(t *testing.T) {
	h, policies, log := newEscalationHandler(t)
	policies.failed.Store(true)
	create(t, h, escalating("failed", "night"))
	policies.failed.Store(false)
	policies.silent.Store(true)
	create(t, h, escalating("silent", "night"))
	if n := log.Count(`level=WARN msg="escalation policy not checked" rule=`); n != 2 {
		t.Errorf("%d warnings: %s", n, log.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.CreateEventRule(ctx, &eventv1.CreateEventRuleRequest{Rule: escalating("canceled", "night")})
	kittest.Error(t, err, context.Canceled, "")
	_, err = h.GetEventRule(t.Context(), &eventv1.GetEventRuleRequest{Name: "canceled"})
	kittest.Error(t, err, fault.ErrNotFound, "canceled")
}
