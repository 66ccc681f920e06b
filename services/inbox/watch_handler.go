package inbox

import (
	"context"
	"strconv"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// Watch streams the items of an inbox after an id, until the caller is gone.
func (h *Handler) Watch(ctx context.Context, req *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
	if req.GetNickName() == "" {
		return fault.InvalidField("nick_name", "name the user whose inbox it is: the caller has no nickname")
	}
	after := int64(-1)
	if text := req.GetAfterId(); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fault.InvalidField("after_id", "must be an id, at most 9223372036854775807")
		}
	}
	r, err := h.Hub.join(ctx, target.CanonicalName(req.GetNickName()))
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
