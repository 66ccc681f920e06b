package event_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// A directory of users has the messengers of each; others are unknown. A page has one user.
type directory map[string][]string

func (d directory) ResolveTargets(_ context.Context, req *alertv1.ResolveTargetsRequest) (*alertv1.ResolveTargetsResponse, error) {
	res := &alertv1.ResolveTargetsResponse{}
	var known []string
	for _, target := range req.GetTarget() {
		if _, ok := d[target]; ok {
			known = append(known, target)
		} else {
			res.UnknownTarget = append(res.UnknownTarget, target)
		}
	}
	for i, target := range known {
		if req.GetPageToken() == "" && i > 0 || req.GetPageToken() != "" && req.GetPageToken() != target {
			continue
		}
		for _, messenger := range d[target] {
			res.Recipients = append(res.Recipients, &alertv1.Recipient{NickName: target[1:], Messenger: messenger})
		}
		if i+1 < len(known) {
			res.NextPageToken = known[i+1]
		}
	}
	return res, nil
}

// newHandler returns a handler over an empty store, and the alerts that its batches make.
func newHandler(t *testing.T) (*event.RuleHandler, *recordedAlerts) {
	t.Helper()
	s, c, sent := openStore(t), newClock(), &recordedAlerts{}
	return &event.RuleHandler{
		Store: s, Rules: openRules(t, s), Batcher: newBatcher(s, sent, c, &refusals{}), Now: c.Now, Messengers: []string{"inbox", "sns"},
		Resolver: directory{"@kim": {"inbox", "sns"}, "@lee": {"sns"}, "@park": {}},
	}, sent
}

func wireRule(name string) *eventv1.EventRule {
	return &eventv1.EventRule{
		Name: name, Type: "order.*", Message: "order {{.data.n}}", Notify: []*eventv1.Notify{{Targets: []string{"@{{.data.user}}"}, By: []string{"inbox"}}},
	}
}

func create(t *testing.T, h *event.RuleHandler, r *eventv1.EventRule) *eventv1.EventRule {
	t.Helper()
	res, err := h.CreateEventRule(t.Context(), &eventv1.CreateEventRuleRequest{Rule: r})
	kittest.NoError(t, err)
	return res.GetRule()
}

func equalRules(t *testing.T, got, want *eventv1.EventRule) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestRuleMethods(t *testing.T) {
	ctx := t.Context()
	h, _ := newHandler(t)
	full := wireRule("full")
	full.Condition, full.Title, full.Link, full.Severity = "data.n > 1", "t", "https://example.com", "high"
	full.Notify = append(full.Notify, &eventv1.Notify{Targets: []string{"@@owners"}, Message: "m"})
	full.Batch, full.Ttl = &eventv1.Batch{Count: 2, Within: durationpb.New(time.Minute), Message: "{{.count}}"}, durationpb.New(time.Hour)
	made := create(t, h, full)
	want := proto.CloneOf(full)
	want.Revision, want.UpdateTime = made.GetRevision(), timestamppb.New(h.Now())
	equalRules(t, made, want)
	if made.GetRevision() == 0 {
		t.Error("no revision")
	}
	got, err := h.GetEventRule(ctx, &eventv1.GetEventRuleRequest{Name: "full"})
	kittest.NoError(t, err)
	equalRules(t, got.GetRule(), want)
	_, err = h.CreateEventRule(ctx, &eventv1.CreateEventRuleRequest{Rule: wireRule("full")})
	kittest.Error(t, err, fault.ErrExists, "full")
	_, err = h.GetEventRule(ctx, &eventv1.GetEventRuleRequest{Name: "none"})
	kittest.Error(t, err, fault.ErrNotFound, "none")

	changed := wireRule("full")
	changed.Revision = made.GetRevision()
	updated, err := h.UpdateEventRule(ctx, &eventv1.UpdateEventRuleRequest{Name: "full", Rule: changed})
	kittest.NoError(t, err)
	_, err = h.UpdateEventRule(ctx, &eventv1.UpdateEventRuleRequest{Name: "full", Rule: changed})
	kittest.Error(t, err, fault.ErrConflict, "get it")
	_, err = h.UpdateEventRule(ctx, &eventv1.UpdateEventRuleRequest{Name: "other", Rule: changed})
	kittest.Error(t, err, fault.ErrInvalid, "rule.name")
	_, err = h.UpdateEventRule(ctx, &eventv1.UpdateEventRuleRequest{Name: "none", Rule: wireRule("none")})
	kittest.Error(t, err, fault.ErrNotFound, "none")
	alerts, _ := h.Rules.Apply(ctx, orderCreated("1", `{"n": 1, "user": "kim"}`)) // it applies at once
	kittest.Equal(t, messagesOf(alerts), "order 1")

	for _, name := range []string{"c", "a", "b"} {
		create(t, h, wireRule(name))
	}
	var names []string
	for token := ""; ; {
		page, err := h.ListEventRules(ctx, &eventv1.ListEventRulesRequest{PageSize: 3, PageToken: token})
		kittest.NoError(t, err)
		for _, r := range page.GetRules() {
			names = append(names, r.GetName())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
		names = append(names, "|")
	}
	kittest.Equal(t, strings.Join(names, " "), "a b c | full")
	if updated.GetRule().GetRevision() <= made.GetRevision() {
		t.Error("the revision has not grown")
	}
	_, err = h.DeleteEventRule(ctx, &eventv1.DeleteEventRuleRequest{Name: "full"})
	kittest.NoError(t, err)
	_, err = h.DeleteEventRule(ctx, &eventv1.DeleteEventRuleRequest{Name: "full"})
	kittest.Error(t, err, fault.ErrNotFound, "full")
}

func TestInvalidRequests(t *testing.T) {
	ctx := t.Context()
	h, _ := newHandler(t)
	for field, change := range map[string]func(*eventv1.EventRule){
		"rule.type":                 func(r *eventv1.EventRule) { r.Type = "a.b*" },
		"rule.condition":            func(r *eventv1.EventRule) { r.Condition = "1 +" },
		"rule.message":              func(r *eventv1.EventRule) { r.Message = "{{" },
		"rule.notify[0].by[1]":      func(r *eventv1.EventRule) { r.Notify[0].By = []string{"sns", "pigeon"} },
		"rule.notify[0].targets[0]": func(r *eventv1.EventRule) { r.Notify[0].Targets[0] = "kim" },
	} {
		r := wireRule("a")
		change(r)
		_, err := h.CreateEventRule(ctx, &eventv1.CreateEventRuleRequest{Rule: r})
		kittest.Error(t, err, fault.ErrInvalid, field)
		if fields := fault.Fields(err); len(fields) != 1 || fields[0].Path != field {
			t.Errorf("%s: fields %v", field, fields)
		}
		_, err = h.TestEventRule(ctx, &eventv1.TestEventRuleRequest{Rule: r, Event: &eventv1.Event{Type: "order.created"}})
		kittest.Error(t, err, fault.ErrInvalid, field)
	}
	res, err := h.ListEventRules(ctx, &eventv1.ListEventRulesRequest{})
	kittest.NoError(t, err)
	kittest.Equal(t, len(res.GetRules()), 0)
}

func TestSample(t *testing.T) {
	ctx := t.Context()
	h, sent := newHandler(t)
	r := wireRule("a")
	r.Condition = "data.n > 1"
	r.Notify = []*eventv1.Notify{
		{Targets: []string{"@{{.data.user}}", "@lee", "@nobody"}},
		{Targets: []string{"@kim", "@lee", "@park"}, By: []string{"inbox"}, Message: "to the inbox"},
		{Targets: []string{"{{with .data.referrer}}@{{.}}{{end}}"}},
	}
	create(t, h, r)
	recipient := func(name, messenger string) *eventv1.TestedRecipient {
		return &eventv1.TestedRecipient{NickName: name, Messenger: messenger}
	}
	want := &eventv1.TestEventRuleResponse{Matches: true, Alerts: []*eventv1.TestedAlert{
		{
			Targets: []string{"@kim", "@lee", "@nobody"}, Severity: "normal", Message: "order 2.50", UnknownTargets: []string{"@nobody"},
			Recipients: []*eventv1.TestedRecipient{recipient("kim", "inbox"), recipient("kim", "sns"), recipient("lee", "sns")},
		},
		{Targets: []string{"@kim", "@lee", "@park"}, By: []string{"inbox"}, Severity: "normal", Message: "to the inbox", Recipients: []*eventv1.TestedRecipient{recipient("kim", "inbox")}},
		{Severity: "normal", Message: "order 2.50"},
	}}
	event := &eventv1.Event{Type: "order.created", Data: `{"n": 2.50, "user": "kim"}`}
	for _, req := range []*eventv1.TestEventRuleRequest{{Name: "a", Event: event}, {Rule: r, Event: event}} {
		got, err := h.TestEventRule(ctx, req)
		kittest.NoError(t, err)
		if !proto.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
	for _, other := range []*eventv1.Event{{Type: "order.created", Data: `{"n": 1}`}, {Type: "delivery.started", Data: `{"n": 2}`}} {
		got, err := h.TestEventRule(ctx, &eventv1.TestEventRuleRequest{Name: "a", Event: other})
		kittest.NoError(t, err)
		kittest.Equal(t, got.GetMatches() || len(got.GetAlerts()) > 0, false)
	}
	for words, req := range map[string]*eventv1.TestEventRuleRequest{
		"not both":                   {Name: "a", Rule: r, Event: event},
		"name of a stored rule":      {Event: event},
		"event.type":                 {Name: "a"},
		"event.data":                 {Name: "a", Event: &eventv1.Event{Type: "order.created", Data: "{"}},
		"condition: no such key: n":  {Name: "a", Event: &eventv1.Event{Type: "order.created"}},
		"rule.notify[0].targets[0]:": {Name: "a", Event: &eventv1.Event{Type: "order.created", Data: `{"n": 2}`}},
	} {
		_, err := h.TestEventRule(ctx, req)
		kittest.Error(t, err, fault.ErrInvalid, words)
	}
	_, err := h.TestEventRule(ctx, &eventv1.TestEventRuleRequest{Name: "none", Event: event})
	kittest.Error(t, err, fault.ErrNotFound, "none")

	r.Batch = &eventv1.Batch{Count: 2, Within: durationpb.New(time.Minute), Message: "{{.count}}: {{join `, ` .messages}}"}
	got, err := h.TestEventRule(ctx, &eventv1.TestEventRuleRequest{Rule: r, Event: event})
	kittest.NoError(t, err)
	kittest.Equal(t, got.GetAlerts()[0].GetMessage(), "1: order 2.50")
	r.Batch.Message = "{{range 30000}}x{{end}}"
	_, err = h.TestEventRule(ctx, &eventv1.TestEventRuleRequest{Rule: r, Event: event})
	kittest.Error(t, err, fault.ErrInvalid, "rule.batch.message")
	kittest.Equal(t, sent.calls, 0)
}

// TestDeleteSendsBatches proves that the events of an open batch are notified of before their rule
// is deleted, and that the rule stays while that fails.
func TestDeleteSendsBatches(t *testing.T) {
	ctx := t.Context()
	h, sent := newHandler(t)
	create(t, h, wireRule("orders"))
	kittest.NoError(t, h.Batcher.AddToBatches(ctx, []event.BatchedAlert{batched("1"), batched("2")}))
	sent.fail = func([]event.KeyedAlert) error { return fault.Unavailablef("gone") }
	_, err := h.DeleteEventRule(ctx, &eventv1.DeleteEventRuleRequest{Name: "orders"})
	kittest.Error(t, err, fault.ErrUnavailable, "gone")
	_, err = h.GetEventRule(ctx, &eventv1.GetEventRuleRequest{Name: "orders"})
	kittest.NoError(t, err)
	sent.fail = nil
	_, err = h.DeleteEventRule(ctx, &eventv1.DeleteEventRuleRequest{Name: "orders"})
	kittest.NoError(t, err)
	kittest.Equal(t, sent.messages(), []string{"2 events:\n- 1\n- 2"})
}
