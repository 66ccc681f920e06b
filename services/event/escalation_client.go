package event

import (
	"context"

	"connectrpc.com/connect"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ EscalationPolicies = EscalationClient{}

// An EscalationClient implements EscalationPolicies over EscalationPolicyService.
type EscalationClient struct {
	Service incidentv1connect.EscalationPolicyServiceClient
}

// CheckPolicy calls GetEscalationPolicy.
func (c EscalationClient) CheckPolicy(ctx context.Context, name string) error {
	_, err := c.Service.GetEscalationPolicy(ctx, &incidentv1.GetEscalationPolicyRequest{Name: name})
	if connect.CodeOf(err) == connect.CodeNotFound {
		return fault.NotFoundf("escalation policy %s not found", name)
	}
	return err
}
