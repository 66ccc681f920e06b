package platform

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
)

// retryDelay is the delay before a call is repeated that cannot be served yet.
const retryDelay = 200 * time.Millisecond

// Retry calls a method until it is served: by a service that starts, or by one that the edge does not
// know yet.
func Retry[Req, Res any](ctx context.Context, call func(context.Context, *Req) (*Res, error), req *Req) (*Res, error) {
	for {
		res, err := call(ctx, req)
		if code := connect.CodeOf(err); err == nil || code != connect.CodeUnavailable && code != connect.CodeUnimplemented {
			return res, err
		}
		select {
		case <-time.After(retryDelay):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// Create is Retry for a method that creates what may exist.
func Create[Req, Res any](ctx context.Context, call func(context.Context, *Req) (*Res, error), req *Req) error {
	_, err := Retry(ctx, call, req)
	if connect.CodeOf(err) == connect.CodeAlreadyExists {
		return nil
	}
	return err
}

// SetRules creates event rules, or replaces those of the same names.
func (e Edge) SetRules(ctx context.Context, rules []*eventv1.EventRule) error {
	events := eventv1connect.NewEventServiceClient(e.Client, e.URL)
	for _, rule := range rules {
		_, err := Retry(ctx, events.CreateEventRule, &eventv1.CreateEventRuleRequest{Rule: rule})
		if connect.CodeOf(err) == connect.CodeAlreadyExists {
			_, err = Retry(ctx, events.UpdateEventRule, &eventv1.UpdateEventRuleRequest{Name: rule.GetName(), Rule: rule})
		}
		if err != nil {
			return fmt.Errorf("event rule %s: %w", rule.GetName(), err)
		}
	}
	return nil
}
