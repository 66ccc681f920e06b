package edge

import (
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
)

var _ eventv1connect.EventServiceHandler = EventRelay{}

// An EventRelay implements EventService by an event service in another process. Calls are
// those of the client; with a body go its headers.
type EventRelay struct {
	eventv1connect.EventServiceClient
}

// PublishBody forwards a body with the headers of CloudEvents in the binary mode.
func (r EventRelay) PublishBody(ctx context.Context, req *eventv1.PublishBodyRequest) (*eventv1.PublishBodyResponse, error) {
	from, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return r.EventServiceClient.PublishBody(ctx, req)
	}
	ctx, to := connect.NewClientContext(ctx)
	copyEventHeaders(to.RequestHeader(), from.RequestHeader())
	return r.EventServiceClient.PublishBody(ctx, req)
}

// copyEventHeaders copies the headers with the attributes of an event.
func copyEventHeaders(to, from http.Header) {
	for name, values := range from {
		if strings.HasPrefix(name, "Ce-") {
			to[name] = values
		}
	}
}
