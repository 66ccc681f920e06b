package edge

import (
	"context"

	"connectrpc.com/connect"

	callbackv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1/callbackv1connect"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
)

var _ callbackv1connect.CallbackServiceHandler = (*CallbackHandler)(nil)

// signatureHeader is the header with the signature of a callback of Twilio
// (https://www.twilio.com/docs/usage/security#validating-requests).
const signatureHeader = "X-Twilio-Signature"

// A CallbackHandler implements CallbackService: it forwards callbacks, with the provider's
// signature, to the alert service, which verifies them.
type CallbackHandler struct {
	Dispatch jobv1connect.DispatchServiceClient
}

// CallBack forwards a provider's callback for a delivery.
func (h *CallbackHandler) CallBack(ctx context.Context, req *callbackv1.CallBackRequest) (*callbackv1.CallBackResponse, error) {
	res := &jobv1.ReceiveRequest{DeliveryId: req.GetDeliveryId(), Messenger: req.GetMessenger(), Form: req.GetBody().GetData()}
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok {
		res.Signature = call.RequestHeader().Get(signatureHeader)
	}
	if _, err := h.Dispatch.Receive(ctx, res); err != nil {
		return nil, err
	}
	return &callbackv1.CallBackResponse{}, nil
}
