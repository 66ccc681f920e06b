package alert

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/cache"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// escalationTimeout is the timeout of the lookups of a request.
	escalationTimeout = time.Second
	// escalationTTL is how long a name that was found is not looked up again.
	escalationTTL = 10 * time.Second
	// escalationBytes is the maximum size of the names that were found.
	escalationBytes = 1 << 20
	// escalationLookups is how many lookups of a request run concurrently.
	escalationLookups = 16
)

// EscalationPolicies are the escalation policies of the incident service.
type EscalationPolicies interface {
	// CheckPolicy returns fault.ErrNotFound if no policy has the name.
	CheckPolicy(ctx context.Context, name string) error
}

// EscalationNames checks names of escalation policies at the incident service. Names that were found
// are known for a short time; one that is unknown is looked up each time. It is safe for concurrent
// use.
type EscalationNames struct {
	Policies EscalationPolicies // set before the first check

	known *cache.Cache[struct{}]
	log   *slog.Logger
}

// NewEscalationNames returns EscalationNames without Policies.
func NewEscalationNames(now func() time.Time, log *slog.Logger) (*EscalationNames, error) {
	known, err := cache.New(cache.Options[struct{}]{MaxBytes: escalationBytes, Size: func(struct{}) int { return 0 }, Now: now})
	return &EscalationNames{known: known, log: log}, err
}

// Unknown returns those of some names that no policy has. A name that cannot be looked up within
// escalationTimeout is logged and not among them: no alert is lost because the incident service is
// away.
func (n *EscalationNames) Unknown(ctx context.Context, names ...string) []string {
	ctx, cancel := context.WithTimeout(ctx, escalationTimeout)
	defer cancel()
	var mu sync.Mutex
	var unknown []string
	var g errgroup.Group
	g.SetLimit(escalationLookups)
	for _, name := range names {
		g.Go(func() error {
			if !n.isUnknown(ctx, name) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			unknown = append(unknown, name)
			return nil
		})
	}
	_ = g.Wait() // no lookup returns an error
	return unknown
}

// isUnknown reports whether no policy has a name.
func (n *EscalationNames) isUnknown(ctx context.Context, name string) bool {
	_, err := n.known.Get(ctx, cache.Query[struct{}]{Key: name, TTL: escalationTTL, Load: func(ctx context.Context) (struct{}, error) {
		return struct{}{}, n.Policies.CheckPolicy(ctx, name)
	}})
	if err == nil {
		return false
	}
	if errors.Is(err, fault.ErrNotFound) {
		return true
	}
	n.log.WarnContext(ctx, "escalation policy not checked", "escalation", name, "error", err)
	return false
}

// opensByName reports whether an alert may open an incident with the escalation policy that it names.
// A resolution and an acknowledgment open none, and are accepted when the policy is gone.
func (a *Alert) opensByName() bool { return a.Escalation != "" && !a.Resolved && !a.Acknowledged }

// unknownEscalation returns the error of an alert that names an unknown escalation policy.
func unknownEscalation(name string) error {
	return fault.WithReason(fault.InvalidField("escalation", "unknown escalation policy %s", name), "UNKNOWN_ESCALATION_POLICY")
}

// checkEscalation returns an error for an alert that names an unknown escalation policy.
func (h *Handler) checkEscalation(ctx context.Context, a Alert) error {
	if h.Escalations == nil || !a.opensByName() || len(h.Escalations.Unknown(ctx, a.Escalation)) == 0 {
		return nil
	}
	return unknownEscalation(a.Escalation)
}

// checkEscalations refuses the alerts of a batch that name an unknown escalation policy, and returns
// the others. Those of a source are recorded, as nobody would learn that they were refused; their
// incidents have no escalation, and say so.
func (b *batch) checkEscalations(ctx context.Context, alerts []batchAlert) []batchAlert {
	var names []string
	for i := range alerts {
		if a := &alerts[i]; b.Escalations != nil && a.opensByName() && !slices.Contains(names, a.Escalation) {
			names = append(names, a.Escalation)
		}
	}
	if len(names) == 0 {
		return alerts
	}
	unknown := b.Escalations.Unknown(ctx, names...)
	if b.source != nil {
		for _, name := range unknown {
			b.Escalations.log.WarnContext(ctx, "unknown escalation policy", "source", b.source.name, "escalation", name)
		}
		return alerts
	}
	return slices.DeleteFunc(alerts, func(a batchAlert) bool {
		refused := a.opensByName() && slices.Contains(unknown, a.Escalation)
		if refused {
			a.result.refuseInvalid(unknownEscalation(a.Escalation))
		}
		return refused
	})
}
