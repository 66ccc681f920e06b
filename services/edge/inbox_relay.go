package edge

import (
	"context"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
)

var _ inboxv1connect.InboxServiceHandler = InboxRelay{}

// An InboxRelay implements InboxService by an inbox service in another process. Unary calls
// are those of the client; streams are forwarded message by message.
type InboxRelay struct {
	inboxv1connect.InboxServiceClient
}

// Watch forwards the stream of the other service.
func (r InboxRelay) Watch(ctx context.Context, req *inboxv1.WatchRequest, to *connect.ServerStream[inboxv1.WatchResponse]) error {
	from, err := r.InboxServiceClient.Watch(ctx, req)
	if err != nil {
		return err
	}
	return relayStream(from, to)
}
