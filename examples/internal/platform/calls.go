package platform

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"connectrpc.com/connect"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
)

// retryDelay is the delay before a call is repeated that cannot be served yet.
const retryDelay = 200 * time.Millisecond

// Retry calls a method until it is served: by a service that starts, by one that the edge does not know
// yet, or within the limits of the edge.
func Retry[Req, Res any](ctx context.Context, call func(context.Context, *Req) (*Res, error), req *Req) (*Res, error) {
	for {
		res, err := call(ctx, req)
		delay := retryDelay
		switch connect.CodeOf(err) {
		case connect.CodeUnavailable, connect.CodeUnimplemented:
		case connect.CodeResourceExhausted:
			delay = delayOf(err)
		default:
			return res, err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// delayOf returns the delay that an error asks for, in whole seconds.
func delayOf(err error) time.Duration {
	if e, ok := errors.AsType[*connect.Error](err); ok {
		if seconds, err := strconv.Atoi(e.Meta().Get("Retry-After")); err == nil {
			return max(time.Duration(seconds)*time.Second, retryDelay)
		}
	}
	return retryDelay
}

// Create is Retry for a method that creates a resource: an existing one is not an error.
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
