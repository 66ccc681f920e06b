package app

import (
	"context"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/fault"
)

// A request between processes is validated where it arrives. A call within the process
// meets no interceptor: these validate the requests that hold values of callers and
// providers, so that one process refuses what several refuse. What the edge's public
// services pass on was validated there, by the same rules.

// checkedDispatch is DispatchService within the process. Claims, reports and deferrals
// hold ids and times of our own, and are not validated: they are the hot path.
type checkedDispatch struct {
	jobv1connect.DispatchServiceClient
}

// SendAlerts validates the request.
func (c checkedDispatch) SendAlerts(ctx context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	return checked(ctx, req, c.DispatchServiceClient.SendAlerts)
}

// Receive validates the request.
func (c checkedDispatch) Receive(ctx context.Context, req *jobv1.ReceiveRequest) (*jobv1.ReceiveResponse, error) {
	return checked(ctx, req, c.DispatchServiceClient.Receive)
}

// MoveDestination validates the request.
func (c checkedDispatch) MoveDestination(ctx context.Context, req *jobv1.MoveDestinationRequest) (*jobv1.MoveDestinationResponse, error) {
	return checked(ctx, req, c.DispatchServiceClient.MoveDestination)
}

// checkedDirectory is DirectoryService within the process.
type checkedDirectory struct {
	userv1connect.DirectoryServiceClient
}

// LookUp validates the request.
func (c checkedDirectory) LookUp(ctx context.Context, req *userv1.LookUpRequest) (*userv1.LookUpResponse, error) {
	return checked(ctx, req, c.DirectoryServiceClient.LookUp)
}

// MoveAddresses validates the request.
func (c checkedDirectory) MoveAddresses(ctx context.Context, req *userv1.MoveAddressesRequest) (*userv1.MoveAddressesResponse, error) {
	return checked(ctx, req, c.DirectoryServiceClient.MoveAddresses)
}

// ReadReceipt validates the request.
func (c checkedDirectory) ReadReceipt(ctx context.Context, req *userv1.ReadReceiptRequest) (*userv1.ReadReceiptResponse, error) {
	return checked(ctx, req, c.DirectoryServiceClient.ReadReceipt)
}

// checked validates a request and makes the call.
func checked[Req proto.Message, Res any](ctx context.Context, req Req, call func(context.Context, Req) (Res, error)) (Res, error) {
	if err := protovalidate.Validate(req, protovalidate.WithFailFast()); err != nil {
		var none Res
		return none, fmt.Errorf("%s: %w", err, fault.ErrInvalid)
	}
	return call(ctx, req)
}
