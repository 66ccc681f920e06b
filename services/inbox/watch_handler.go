package inbox

import (
	"context"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
)

// Watch streams the items of an inbox after an id, until the caller is gone.
func (h *Handler) Watch(ctx context.Context, req *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
	nickname, err := nicknameOf(req)
	if err != nil {
		return err
	}
	after := int64(-1)
	if req.GetAfterId() != "" {
		if after, err = parseID("after_id", req.GetAfterId()); err != nil {
			return err
		}
	}
	r, err := h.Hub.join(ctx, nickname)
	if err != nil {
		return err
	}
	defer h.Hub.leave(r)
	message, err := r.start(ctx, after)
	for err == nil {
		if err = stream.Send(message); err == nil {
			message, err = r.next(ctx)
		}
	}
	return err
}
