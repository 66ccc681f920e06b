package alert

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// WatchAlert streams the deliveries of an alert and then their changes, until all
// deliveries are completed.
func (h *Handler) WatchAlert(ctx context.Context, req *alertv1.WatchAlertRequest, stream *connect.ServerStream[alertv1.WatchAlertResponse]) error {
	id, err := readAlertID(req.GetId())
	if err != nil {
		return err
	}
	w, err := h.Hub.watch(ctx, id)
	if err != nil {
		return err
	}
	defer h.Hub.leave(w.follower, w)
	for {
		message, err := w.next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(message); err != nil {
			return err
		}
	}
}
