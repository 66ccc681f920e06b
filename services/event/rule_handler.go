package event

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// defaultRulePage is the page size if the request sets none.
const defaultRulePage = 100

// A RuleHandler implements the methods of EventService for rules.
type RuleHandler struct {
	Store   RuleStore
	Rules   *RuleSet
	Batcher *Batcher
	// Resolver finds the users of a sample's targets.
	Resolver TargetResolver
	// Messengers are the names that by may hold, in their order.
	Messengers []string
	// Escalations are the policies that escalation may name.
	Escalations EscalationPolicies
	Now         func() time.Time
	Log         *slog.Logger
}

// CreateEventRule creates a rule.
func (h *RuleHandler) CreateEventRule(ctx context.Context, req *eventv1.CreateEventRuleRequest) (*eventv1.CreateEventRuleResponse, error) {
	r, err := h.newRule(ctx, req.GetRule())
	if err != nil {
		return nil, err
	}
	if r.Revision, err = h.Store.AddRule(ctx, r); err != nil {
		return nil, err
	}
	h.apply(ctx)
	return &eventv1.CreateEventRuleResponse{Rule: ruleToWire(r)}, nil
}

// GetEventRule returns a rule.
func (h *RuleHandler) GetEventRule(ctx context.Context, req *eventv1.GetEventRuleRequest) (*eventv1.GetEventRuleResponse, error) {
	r, err := h.Store.Rule(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return &eventv1.GetEventRuleResponse{Rule: ruleToWire(r)}, nil
}

// ListEventRules returns a page of rules by name.
func (h *RuleHandler) ListEventRules(ctx context.Context, req *eventv1.ListEventRulesRequest) (*eventv1.ListEventRulesResponse, error) {
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultRulePage
	}
	rules, err := h.Store.Rules(ctx, req.GetPageToken(), limit+1)
	if err != nil {
		return nil, err
	}
	res := &eventv1.ListEventRulesResponse{Rules: make([]*eventv1.EventRule, 0, len(rules))}
	if len(rules) > limit {
		rules = rules[:limit]
		res.NextPageToken = rules[limit-1].Name
	}
	for _, r := range rules {
		res.Rules = append(res.Rules, ruleToWire(r))
	}
	return res, nil
}

// UpdateEventRule replaces a rule. Batches that are open keep the settings of the older one.
func (h *RuleHandler) UpdateEventRule(ctx context.Context, req *eventv1.UpdateEventRuleRequest) (*eventv1.UpdateEventRuleResponse, error) {
	if name := req.GetRule().GetName(); name != req.GetName() {
		return nil, fault.InvalidField("rule.name", "must be the name %q of the request, a rule cannot be renamed", req.GetName())
	}
	r, err := h.newRule(ctx, req.GetRule())
	if err != nil {
		return nil, err
	}
	if r.Revision, err = h.Store.SetRule(ctx, r); err != nil {
		return nil, err
	}
	h.apply(ctx)
	return &eventv1.UpdateEventRuleResponse{Rule: ruleToWire(r)}, nil
}

// DeleteEventRule sends the batches of a rule, and deletes the rule. A batch that another process
// starts until it sees the change is sent when it is due.
func (h *RuleHandler) DeleteEventRule(ctx context.Context, req *eventv1.DeleteEventRuleRequest) (*eventv1.DeleteEventRuleResponse, error) {
	if _, err := h.Store.Rule(ctx, req.GetName()); err != nil {
		return nil, err
	}
	if err := h.Batcher.FlushRule(ctx, req.GetName()); err != nil {
		return nil, err
	}
	if err := h.Store.DeleteRule(ctx, req.GetName()); err != nil {
		return nil, err
	}
	h.apply(ctx)
	return &eventv1.DeleteEventRuleResponse{}, nil
}

// apply makes a change apply in this process now. If that fails, RuleSet.Run does it later.
func (h *RuleHandler) apply(ctx context.Context) { _ = h.Rules.Refresh(ctx) }

// newRule returns a valid rule of a request.
func (h *RuleHandler) newRule(ctx context.Context, wire *eventv1.EventRule) (Rule, error) {
	r := ruleFromWire(wire)
	r.UpdateTime = h.Now().UTC().Truncate(time.Microsecond)
	if _, err := h.compileNew(ctx, r); err != nil {
		return Rule{}, err
	}
	return r, nil
}

// compileNew validates a rule of a request, its escalation policy included. Errors name its fields.
func (h *RuleHandler) compileNew(ctx context.Context, r Rule) (*CompiledRule, error) {
	compiled, err := h.compile(r)
	if err == nil {
		err = h.checkEscalation(ctx, r)
	}
	if err != nil {
		return nil, fault.Within("rule", err)
	}
	return compiled, nil
}

// compile validates a rule, and the messengers that it names.
func (h *RuleHandler) compile(r Rule) (*CompiledRule, error) {
	for i, n := range r.Notify {
		for j, name := range n.By {
			if !slices.Contains(h.Messengers, name) {
				return nil, fault.InvalidField(fmt.Sprintf("notify[%d].by[%d]", i, j), "unknown messenger %q: must be one of %s", name, strings.Join(h.Messengers, ", "))
			}
		}
	}
	return CompileRule(r)
}
