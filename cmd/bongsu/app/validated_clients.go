package app

import (
	"context"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// Requests between processes are validated by an interceptor of the receiving process.
// Calls within a process pass no interceptor, so these clients validate requests with
// values of callers and providers, and one process refuses the same requests as
// several. Requests that the edge's public services forward are validated there by the
// same rules.

// validatedDispatch validates requests to DispatchService within the process, except for
// claims, reports and deferrals: they hold internal ids and times, and are the hot
// path.
type validatedDispatch struct {
	jobv1connect.DispatchServiceClient
}

// SendAlerts validates the request.
func (v validatedDispatch) SendAlerts(ctx context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	return validate(ctx, req, v.DispatchServiceClient.SendAlerts)
}

// Receive validates the request.
func (v validatedDispatch) Receive(ctx context.Context, req *jobv1.ReceiveRequest) (*jobv1.ReceiveResponse, error) {
	return validate(ctx, req, v.DispatchServiceClient.Receive)
}

// MoveDestination validates the request.
func (v validatedDispatch) MoveDestination(ctx context.Context, req *jobv1.MoveDestinationRequest) (*jobv1.MoveDestinationResponse, error) {
	return validate(ctx, req, v.DispatchServiceClient.MoveDestination)
}

// validatedDirectory validates requests to DirectoryService within the process. A lookup
// in the process is no such request: its targets are parsed, and the requests that hold
// them are validated by the same rules.
type validatedDirectory struct {
	userv1connect.DirectoryServiceClient
}

// MoveAddresses validates the request.
func (v validatedDirectory) MoveAddresses(ctx context.Context, req *userv1.MoveAddressesRequest) (*userv1.MoveAddressesResponse, error) {
	return validate(ctx, req, v.DirectoryServiceClient.MoveAddresses)
}

// ReadReceipt validates the request.
func (v validatedDirectory) ReadReceipt(ctx context.Context, req *userv1.ReadReceiptRequest) (*userv1.ReadReceiptResponse, error) {
	return validate(ctx, req, v.DirectoryServiceClient.ReadReceipt)
}

// validate validates a request and makes the call. It returns fault.ErrInvalid for an
// invalid one.
func validate[Req proto.Message, Res any](ctx context.Context, req Req, call func(context.Context, Req) (Res, error)) (Res, error) {
	if err := protovalidate.Validate(req, protovalidate.WithFailFast()); err != nil {
		var none Res
		return none, fault.Invalidf("%w", err)
	}
	return call(ctx, req)
}
