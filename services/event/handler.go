package event

import "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"

var _ eventv1connect.EventServiceHandler = (*Handler)(nil)

// A Handler implements EventService.
type Handler struct {
	*PublishHandler
	*RuleHandler
	*DeadLetterHandler
}
