package event

import (
	"context"
	"errors"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// escalationTimeout is the timeout of the lookup of a rule's escalation policy.
const escalationTimeout = time.Second

// checkEscalation returns an error for a rule that names an unknown escalation policy. A rule that
// is disabled opens no incident: it can be set when its policy is gone. While the incident service
// does not respond, the name is accepted with a warning, as that of an alert is.
func (h *RuleHandler) checkEscalation(ctx context.Context, r Rule) error {
	if r.Escalation == "" || r.Disabled {
		return nil
	}
	lookup, cancel := context.WithTimeout(ctx, escalationTimeout)
	defer cancel()
	err := h.Escalations.CheckPolicy(lookup, r.Escalation)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fault.ErrNotFound):
		return fault.WithReason(fault.InvalidField("escalation", "unknown escalation policy %s", r.Escalation), "UNKNOWN_ESCALATION_POLICY")
	case ctx.Err() != nil: // the caller is gone, nothing is to be stored
		return context.Cause(ctx)
	}
	h.Log.WarnContext(ctx, "escalation policy not checked", "rule", r.Name, "escalation", r.Escalation, "error", err)
	return nil
}
