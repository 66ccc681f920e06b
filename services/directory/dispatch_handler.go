package directory

import (
	"context"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

// A DispatchHandler implements the methods of DispatchService that are about addresses and
// their seal keys. Senders call DispatchService for them because they have no other
// upstream, so this handler runs in the process of the alert service.
type DispatchHandler struct {
	// Service is the directory service: its handler in the same process, or a generated
	// client of another process.
	Service userv1connect.DirectoryServiceClient
}

// MoveDestination changes a destination to one that a provider returned.
func (h DispatchHandler) MoveDestination(ctx context.Context, req *jobv1.MoveDestinationRequest) (*jobv1.MoveDestinationResponse, error) {
	_, err := h.Service.MoveAddresses(ctx, &userv1.MoveAddressesRequest{
		Messenger: req.GetMessenger(), CredentialKey: req.GetCredentialKey(), From: req.GetFrom(), To: req.GetTo(),
	})
	return &jobv1.MoveDestinationResponse{}, err
}

// GetCanary returns the canary of the directory.
func (h DispatchHandler) GetCanary(ctx context.Context, _ *jobv1.GetCanaryRequest) (*jobv1.GetCanaryResponse, error) {
	res, err := h.Service.GetSeal(ctx, &userv1.GetSealRequest{})
	if err != nil {
		return nil, err
	}
	return &jobv1.GetCanaryResponse{Canary: res.GetCanary()}, nil
}
