package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ incidentv1connect.EscalationPolicyServiceHandler = (*EscalationPolicyHandler)(nil)

// A TargetResolver resolves targets without notifying anybody, as AlertService does.
type TargetResolver interface {
	ResolveTargets(context.Context, *alertv1.ResolveTargetsRequest) (*alertv1.ResolveTargetsResponse, error)
}

// An EscalationPolicyHandler implements EscalationPolicyService.
type EscalationPolicyHandler struct {
	Policies Policies
	Resolver TargetResolver
	Now      func() time.Time
}

// ListEscalationPolicies returns all policies.
func (h *EscalationPolicyHandler) ListEscalationPolicies(ctx context.Context, _ *incidentv1.ListEscalationPoliciesRequest) (*incidentv1.ListEscalationPoliciesResponse, error) {
	all, err := h.Policies.ListPolicies(ctx)
	if err != nil {
		return nil, err
	}
	res := &incidentv1.ListEscalationPoliciesResponse{}
	for _, p := range all {
		res.Policies = append(res.Policies, policyToWire(p))
	}
	return res, nil
}

// GetEscalationPolicy returns a policy.
func (h *EscalationPolicyHandler) GetEscalationPolicy(ctx context.Context, req *incidentv1.GetEscalationPolicyRequest) (*incidentv1.GetEscalationPolicyResponse, error) {
	p, err := h.Policies.Policy(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return &incidentv1.GetEscalationPolicyResponse{Policy: policyToWire(p)}, nil
}

// SetEscalationPolicy creates or replaces a policy whose targets, messengers and groups exist.
func (h *EscalationPolicyHandler) SetEscalationPolicy(ctx context.Context, req *incidentv1.SetEscalationPolicyRequest) (*incidentv1.SetEscalationPolicyResponse, error) {
	p := Policy{Name: req.GetName(), RepeatCount: int(req.GetRepeatCount()), Groups: req.GetGroups(), UpdateTime: h.Now().UTC().Truncate(time.Microsecond)}
	for i, s := range req.GetSteps() {
		if err := h.checkTargets(ctx, fmt.Sprintf("steps[%d]", i), s.GetTarget(), s.GetBy()); err != nil {
			return nil, err
		}
		p.Steps = append(p.Steps, Step{Targets: s.GetTarget(), By: s.GetBy(), Wait: s.GetWait().AsDuration()})
	}
	for i, name := range p.Groups {
		err := h.checkTargets(ctx, "", []string{"@@" + name}, nil)
		if errors.Is(err, fault.ErrInvalid) {
			return nil, fault.InvalidField(fmt.Sprintf("groups[%d]", i), "unknown group %s", name)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := h.Policies.SetPolicy(ctx, p); err != nil {
		return nil, err
	}
	return &incidentv1.SetEscalationPolicyResponse{Policy: policyToWire(p)}, nil
}

// DeleteEscalationPolicy deletes a policy.
func (h *EscalationPolicyHandler) DeleteEscalationPolicy(ctx context.Context, req *incidentv1.DeleteEscalationPolicyRequest) (*incidentv1.DeleteEscalationPolicyResponse, error) {
	if err := h.Policies.DeletePolicy(ctx, req.GetName()); err != nil {
		return nil, err
	}
	return &incidentv1.DeleteEscalationPolicyResponse{}, nil
}

// checkTargets returns an error for a malformed or unknown target, and for an unknown messenger,
// with the field below a path.
func (h *EscalationPolicyHandler) checkTargets(ctx context.Context, path string, targets, by []string) error {
	res, err := h.Resolver.ResolveTargets(ctx, &alertv1.ResolveTargetsRequest{Target: targets, By: by, PageSize: 1})
	if err != nil {
		return fault.Within(path, err)
	}
	if unknown := res.GetUnknownTarget(); len(unknown) > 0 {
		return fault.InvalidField(path+".target", "unknown target %s", unknown[0])
	}
	return nil
}

// policyToWire returns a policy as Protobuf.
func policyToWire(p Policy) *incidentv1.EscalationPolicy {
	wire := &incidentv1.EscalationPolicy{Name: p.Name, RepeatCount: int32(p.RepeatCount), Groups: p.Groups, UpdateTime: timeToWire(p.UpdateTime)}
	for _, s := range p.Steps {
		wire.Steps = append(wire.Steps, &incidentv1.EscalationStep{Target: s.Targets, By: s.By, Wait: durationpb.New(s.Wait)})
	}
	return wire
}
