package event

import (
	"cmp"
	"context"
	"slices"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// maxRecipients is the maximum number of recipients of a tested alert.
	maxRecipients = 1000
	// maxRecipientPages is the maximum number of pages that are searched for them.
	maxRecipientPages = 20
)

// A TargetResolver returns the recipients of targets. It is safe for concurrent use.
type TargetResolver interface {
	ResolveTargets(ctx context.Context, req *alertv1.ResolveTargetsRequest) (*alertv1.ResolveTargetsResponse, error)
}

// TestEventRule applies a rule to a sample event.
func (h *RuleHandler) TestEventRule(ctx context.Context, req *eventv1.TestEventRuleRequest) (*eventv1.TestEventRuleResponse, error) {
	rule, err := h.testedRule(ctx, req)
	if err != nil {
		return nil, err
	}
	fields, err := h.sampleFields(req.GetEvent())
	if err != nil {
		return nil, err
	}
	is, err := rule.matches(fields)
	if err != nil {
		return nil, fault.Invalidf("rule: %s", err.Error())
	}
	res := &eventv1.TestEventRuleResponse{Matches: is}
	if !is {
		return res, nil
	}
	alerts, err := rule.plan(fields)
	if err != nil {
		return nil, fault.Within("rule", err)
	}
	for _, a := range alerts {
		tested, err := h.testedAlert(ctx, a)
		if err != nil {
			return nil, err
		}
		res.Alerts = append(res.Alerts, tested)
	}
	return res, nil
}

// testedRule returns the rule of a request: that with the name, or one that is not stored.
func (h *RuleHandler) testedRule(ctx context.Context, req *eventv1.TestEventRuleRequest) (*CompiledRule, error) {
	switch {
	case req.GetRule() != nil && req.GetName() != "":
		return nil, fault.InvalidField("name", "set name or rule, not both")
	case req.GetRule() != nil:
		return h.compileNew(ctx, ruleFromWire(req.GetRule()))
	case req.GetName() == "":
		return nil, fault.InvalidField("name", "set the name of a stored rule, or rule")
	}
	stored, err := h.Store.Rule(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return h.compile(stored)
}

// sampleFields returns the fields of a sample. Its id and source need not be set.
func (h *RuleHandler) sampleFields(wire *eventv1.Event) (eventFields, error) {
	e := Event{
		ID: cmp.Or(wire.GetId(), "sample"), Source: cmp.Or(wire.GetSource(), "sample"), Type: wire.GetType(), Subject: wire.GetSubject(),
		Time: h.Now(), Data: []byte(wire.GetData()),
	}
	if wire.GetTime() != nil {
		if err := wire.GetTime().CheckValid(); err != nil {
			return eventFields{}, fault.InvalidField("event.time", "%s", err.Error())
		}
		e.Time = wire.GetTime().AsTime()
	}
	if e.Type == "" {
		return eventFields{}, fault.InvalidField("event.type", "is required")
	}
	fields, err := fieldsOf(e)
	if err != nil {
		return eventFields{}, fault.InvalidField("event.data", "%s", err.Error())
	}
	return fields, nil
}

// testedAlert returns an alert with its recipients. That of a batch is one of a single event.
func (h *RuleHandler) testedAlert(ctx context.Context, a PlannedAlert) (*eventv1.TestedAlert, error) {
	if a.Batch != nil {
		var err error
		item := BatchItem{Severity: a.Severity, Title: a.Title, Message: cutText(a.Message, maxBatchMessage), Link: a.Link}
		if a, err = alertOfBatch(a, []BatchItem{item}); err != nil {
			return nil, fault.Within("rule", invalidField("batch.message", err))
		}
	}
	tested := &eventv1.TestedAlert{Targets: a.Targets, By: a.By, Severity: cmp.Or(a.Severity, "normal"), Title: a.Title, Message: a.Message, Link: a.Link, Key: a.Key, Status: a.Status.String()}
	if len(a.Targets) == 0 {
		return tested, nil
	}
	token := ""
	for range maxRecipientPages {
		page, err := h.Resolver.ResolveTargets(ctx, &alertv1.ResolveTargetsRequest{Target: a.Targets, PageToken: token})
		if err != nil {
			return nil, err
		}
		tested.UnknownTargets = page.GetUnknownTarget()
		for _, r := range page.GetRecipients() {
			if len(tested.GetRecipients()) < maxRecipients && (len(a.By) == 0 || slices.Contains(a.By, r.GetMessenger())) {
				tested.Recipients = append(tested.Recipients, &eventv1.TestedRecipient{NickName: r.GetNickName(), Messenger: r.GetMessenger()})
			}
		}
		if token = page.GetNextPageToken(); token == "" || len(tested.GetRecipients()) == maxRecipients {
			break
		}
	}
	return tested, nil
}
