package event

import (
	"context"
	"fmt"
	"time"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/internal/cloudevents"
	"github.com/bongsu-project/bongsu/internal/eventstream"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxPublish is the maximum number of events of a request.
const maxPublish = 1000

// A PublishHandler implements the methods of EventService that publish events.
type PublishHandler struct {
	Stream  Publisher
	Metrics Metrics
	Now     func() time.Time
}

// A candidate is an event of a request, or the problem for which it is refused.
type candidate struct {
	path    string // of the event in the request, such as events[1]; empty if it is the whole body
	event   Event
	problem *problem
}

// field returns the path of the problem's field in the request.
func (c candidate) field() string {
	switch {
	case c.path == "":
		return c.problem.field
	case c.problem.field == "":
		return c.path
	}
	return c.path + "." + c.problem.field
}

// Publish stores events, and returns a result for each.
func (h *PublishHandler) Publish(ctx context.Context, req *eventv1.PublishRequest) (*eventv1.PublishResponse, error) {
	if n := len(req.GetEvents()); n == 0 || n > maxPublish {
		return nil, fault.InvalidField("events", "must have 1 to %d events", maxPublish)
	}
	now := h.Now()
	candidates := make([]candidate, len(req.GetEvents()))
	for i, wire := range req.GetEvents() {
		c := candidate{path: fmt.Sprintf("events[%d]", i), event: Event{ID: wire.GetId()}}
		if e, problem := fromWire(wire, now); problem != nil {
			c.problem = problem
		} else {
			c.event = e
		}
		candidates[i] = c
	}
	results, err := h.publish(ctx, candidates)
	if err != nil {
		return nil, err
	}
	return &eventv1.PublishResponse{Results: results}, nil
}

// publish stores the candidates without a problem, in their order.
func (h *PublishHandler) publish(ctx context.Context, candidates []candidate) ([]*eventv1.PublishResult, error) {
	var entries []eventstream.Entry
	for i := range candidates {
		if candidates[i].problem != nil {
			continue
		}
		e := candidates[i].event
		data, err := e.structured()
		if err != nil {
			return nil, err
		}
		entries = append(entries, eventstream.Entry{ID: e.key(), Type: e.Type, Order: e.order(), ContentType: cloudevents.StructuredType, Data: data})
	}
	duplicates, err := h.Stream.Publish(ctx, entries)
	if err != nil {
		return nil, err
	}
	stored, duplicate := 0, 0
	results := make([]*eventv1.PublishResult, len(candidates))
	for i, c := range candidates {
		r := &eventv1.PublishResult{Id: c.event.ID, Outcome: eventv1.PublishOutcome_PUBLISH_OUTCOME_STORED}
		switch {
		case c.problem != nil:
			r.Outcome, r.Field, r.Message = eventv1.PublishOutcome_PUBLISH_OUTCOME_REFUSED, c.field(), c.problem.message
		case duplicates[0]:
			r.Outcome = eventv1.PublishOutcome_PUBLISH_OUTCOME_DUPLICATE
			duplicates = duplicates[1:]
			duplicate++
		default:
			duplicates = duplicates[1:]
			stored++
		}
		results[i] = r
	}
	h.Metrics.Published("stored", stored)
	h.Metrics.Published("duplicate", duplicate)
	h.Metrics.Published("refused", len(candidates)-stored-duplicate)
	return results, nil
}
