package alert

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

var _ jobv1connect.DispatchServiceHandler = (*DispatchHandler)(nil)

// A DispatchHandler implements DispatchService, for the senders.
type DispatchHandler struct {
	Dispatcher Dispatcher
	Rule       VerdictRule
	Loop       *DispatchLoop // is notified of deliveries that may be due sooner
	Hub        *Hub          // is notified of changes, for watchers
	// Lease is how long a claim lasts without a report: longer than the timeout of a
	// provider call, and shorter than the delay that users accept after a sender crashed.
	Lease time.Duration
	Now   func() time.Time

	ReceiptReader userv1connect.DirectoryServiceClient // has the key that reads receipts
	Receipts      ReceiptStore
	Alerts        *Handler // records the alerts of sources
	Incidents     *IncidentFeed

	AddressMethods
}

// AddressMethods are the methods of DispatchService that are about addresses and their seal
// keys. The directory implements them.
type AddressMethods interface {
	MoveDestination(ctx context.Context, req *jobv1.MoveDestinationRequest) (*jobv1.MoveDestinationResponse, error)
	GetCanary(ctx context.Context, req *jobv1.GetCanaryRequest) (*jobv1.GetCanaryResponse, error)
}

// Claim claims deliveries for a sender.
func (h *DispatchHandler) Claim(ctx context.Context, req *jobv1.ClaimRequest) (*jobv1.ClaimResponse, error) {
	now := h.Now()
	by := Claimant{Sender: req.GetSender(), Request: [16]byte(req.GetRequestId())}
	claims, err := h.Dispatcher.Claim(ctx, req.GetDeliveryIds(), by, now, now.Add(h.Lease))
	if err != nil {
		return nil, err
	}
	res := &jobv1.ClaimResponse{Claims: make([]*jobv1.Claim, 0, len(claims)), Time: timestamppb.New(h.Now())}
	for _, c := range claims {
		res.Claims = append(res.Claims, dispatch.ClaimToWire(c, now, h.Lease))
	}
	return res, nil
}

// GetTime returns the current time.
func (h *DispatchHandler) GetTime(context.Context, *jobv1.GetTimeRequest) (*jobv1.GetTimeResponse, error) {
	return &jobv1.GetTimeResponse{Time: timestamppb.New(h.Now())}, nil
}

// Release makes due the deferred deliveries whose reserved slots are no longer needed.
func (h *DispatchHandler) Release(ctx context.Context, req *jobv1.ReleaseRequest) (*jobv1.ReleaseResponse, error) {
	defer h.Loop.Notify()
	n, err := h.Dispatcher.Release(ctx, req.GetMessenger(), h.Now())
	return &jobv1.ReleaseResponse{Count: int64(n)}, err
}

// ListFree returns the claimable deliveries, with their reserved slots.
func (h *DispatchHandler) ListFree(ctx context.Context, req *jobv1.ListFreeRequest) (*jobv1.ListFreeResponse, error) {
	slots, err := h.Dispatcher.Claimable(ctx, req.GetDeliveryIds(), h.Now())
	if err != nil {
		return nil, err
	}
	res := &jobv1.ListFreeResponse{Deliveries: make([]*jobv1.FreeDelivery, 0, len(slots))}
	for id, reserved := range slots {
		res.Deliveries = append(res.Deliveries, &jobv1.FreeDelivery{DeliveryId: id, Slots: reserved})
	}
	return res, nil
}

// Defer gives deliveries a later time without an attempt.
func (h *DispatchHandler) Defer(ctx context.Context, req *jobv1.DeferRequest) (*jobv1.DeferResponse, error) {
	now := h.Now()
	ds := make([]dispatch.Deferral, 0, len(req.GetDeferrals()))
	for _, wire := range req.GetDeferrals() {
		ds = append(ds, dispatch.DeferralFromWire(wire, now))
	}
	defer h.Loop.Notify()
	if err := h.Dispatcher.Defer(ctx, ds, now); err != nil {
		return nil, err
	}
	h.Hub.Changed(func(yield func(int64) bool) {
		for i := 0; i < len(ds) && yield(ds[i].DeliveryID); i++ {
		}
	})
	return &jobv1.DeferResponse{}, nil
}

// Report records the outcomes of claims.
func (h *DispatchHandler) Report(ctx context.Context, req *jobv1.ReportRequest) (*jobv1.ReportResponse, error) {
	reports := make([]dispatch.Report, 0, len(req.GetReports()))
	waits := false
	for _, wire := range req.GetReports() {
		r := dispatch.ReportFromWire(wire)
		waits = waits || r.Outcome.Kind != messenger.Sent
		reports = append(reports, r)
	}
	if waits {
		defer h.Loop.Notify()
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
