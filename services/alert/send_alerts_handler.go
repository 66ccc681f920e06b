package alert

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// SendAlerts records alerts and returns a result for each.
func (h *Handler) SendAlerts(context.Context, *alertv1.SendAlertsRequest) (*alertv1.SendAlertsResponse, error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("not implemented"))
}
