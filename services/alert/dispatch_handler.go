package alert

import (
	"context"
	"time"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

var _ jobv1connect.DispatchServiceHandler = (*DispatchHandler)(nil)

// A DispatchHandler answers DispatchService, for the senders.
type DispatchHandler struct {
	Dispatcher Dispatcher
	Rule       Rule
	Clock      *Clock // is told what may be due sooner than it knows
	Hub        *Hub   // is notified of changes, for watchers
	// Lease is how long a sender may hold a delivery without a report: longer than a
	// sender waits for a provider, and shorter than people like to wait where a
	// sender died.
	Lease time.Duration
	Now   func() time.Time

	Directory userv1connect.DirectoryServiceClient
	Receipts  Receipts
}

// Claim grants deliveries to a sender.
func (h *DispatchHandler) Claim(ctx context.Context, req *jobv1.ClaimRequest) (*jobv1.ClaimResponse, error) {
	now := h.Now()
	by := Claimant{Sender: req.GetSender(), Request: [16]byte(req.GetRequestId())}
	claims, err := h.Dispatcher.Claim(ctx, req.GetDeliveryIds(), by, now, now.Add(h.Lease))
	if err != nil {
		return nil, err
	}
	res := &jobv1.ClaimResponse{Claims: make([]*jobv1.Claim, 0, len(claims))}
	for _, c := range claims {
		res.Claims = append(res.Claims, claimToWire(c))
	}
	return res, nil
}

// ListFree says what could be claimed.
func (h *DispatchHandler) ListFree(ctx context.Context, req *jobv1.ListFreeRequest) (*jobv1.ListFreeResponse, error) {
	slots, err := h.Dispatcher.Free(ctx, req.GetDeliveryIds(), h.Now())
	if err != nil {
		return nil, err
	}
	res := &jobv1.ListFreeResponse{Deliveries: make([]*jobv1.FreeDelivery, 0, len(slots))}
	for id, reserved := range slots {
		res.Deliveries = append(res.Deliveries, &jobv1.FreeDelivery{DeliveryId: id, Slots: reserved})
	}
	return res, nil
}

// Defer gives back what must wait for its provider.
func (h *DispatchHandler) Defer(ctx context.Context, req *jobv1.DeferRequest) (*jobv1.DeferResponse, error) {
	ds := make([]Deferral, 0, len(req.GetDeferrals()))
	for _, wire := range req.GetDeferrals() {
		ds = append(ds, Deferral{
			DeliveryID: wire.GetDeliveryId(),
			Fence:      wire.GetFence(),
			Time:       wire.GetTime().AsTime(),
			Slots:      wire.GetSlots(),
		})
	}
	defer h.Clock.Changed()
	if err := h.Dispatcher.Defer(ctx, ds, h.Now()); err != nil {
		return nil, err
	}
	h.Hub.Changed(func(yield func(int64) bool) {
		for i := 0; i < len(ds) && yield(ds[i].DeliveryID); i++ {
		}
	})
	return &jobv1.DeferResponse{}, nil
}

// Report records what came of claims.
func (h *DispatchHandler) Report(ctx context.Context, req *jobv1.ReportRequest) (*jobv1.ReportResponse, error) {
	reports := make([]Report, 0, len(req.GetReports()))
	waits := false
	for _, wire := range req.GetReports() {
		r := reportFromWire(wire)
		waits = waits || r.Outcome.Kind != messenger.Sent
		reports = append(reports, r)
	}
	if waits {
		defer h.Clock.Changed()
	}
	fenced, err := h.Dispatcher.Report(ctx, reports, h.Now(), h.Rule)
	if err != nil {
		return nil, err
	}
	h.Hub.Changed(func(yield func(int64) bool) {
		for i := 0; i < len(reports) && yield(reports[i].DeliveryID); i++ {
		}
	})
	return &jobv1.ReportResponse{FencedDeliveryIds: fenced}, nil
}

// MoveDestination passes on to the directory what a provider says.
func (h *DispatchHandler) MoveDestination(ctx context.Context, req *jobv1.MoveDestinationRequest) (*jobv1.MoveDestinationResponse, error) {
	_, err := h.Directory.MoveAddresses(ctx, &userv1.MoveAddressesRequest{
		Messenger: req.GetMessenger(), CredentialKey: req.GetCredentialKey(), From: req.GetFrom(), To: req.GetTo(),
	})
	return &jobv1.MoveDestinationResponse{}, err
}

// GetCanary passes on what the directory seals, which senders ask for: they know no
// other service.
func (h *DispatchHandler) GetCanary(ctx context.Context, _ *jobv1.GetCanaryRequest) (*jobv1.GetCanaryResponse, error) {
	said, err := h.Directory.GetSeal(ctx, &userv1.GetSealRequest{})
	if err != nil {
		return nil, err
	}
	return &jobv1.GetCanaryResponse{Canary: said.GetCanary()}, nil
}
