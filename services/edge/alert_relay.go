package edge

import (
	"context"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
)

var _ alertv1connect.AlertServiceHandler = AlertRelay{}

// An AlertRelay implements AlertService by an alert service in another process. Unary calls
// are those of the client; streams are forwarded message by message.
type AlertRelay struct {
	alertv1connect.AlertServiceClient
}

// WatchAlert forwards the stream of the other service.
func (r AlertRelay) WatchAlert(ctx context.Context, req *alertv1.WatchAlertRequest, to *connect.ServerStream[alertv1.WatchAlertResponse]) error {
	from, err := r.AlertServiceClient.WatchAlert(ctx, req)
	if err != nil {
		return err
	}
	return relayStream(from, to)
}
