package sender

import (
	"context"
	"time"

	"connectrpc.com/connect"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var (
	_ Dispatch   = DispatchClient{}
	_ TimeSource = DispatchClient{}
)

// A DispatchClient implements Dispatch over DispatchService: the alert service's handler
// in one process, a generated client across processes.
type DispatchClient struct {
	Service jobv1connect.DispatchServiceClient
	Name    string // of this sender, as recorded in the ledger
	Clock   *Clock // of this sender
}

// Claim implements Dispatch.
func (c DispatchClient) Claim(ctx context.Context, request [16]byte, ids []int64) (map[int64]dispatch.Claim, error) {
	sent := c.Clock.local()
	res, err := c.Service.Claim(ctx, &jobv1.ClaimRequest{DeliveryIds: ids, Sender: c.Name, RequestId: request[:]})
	if err != nil {
		return nil, asPermanent(err)
	}
	if res.GetTime() != nil {
		c.Clock.compare(sent, res.GetTime().AsTime(), c.Clock.local())
	}
	// A lease lasts at most its duration from the request, even if the clock was set back
	// since.
	requested := c.Clock.Now().Add(min(0, sent.Sub(c.Clock.local())))
	claims := make(map[int64]dispatch.Claim, len(res.GetClaims()))
	for _, wire := range res.GetClaims() {
		claims[wire.GetDeliveryId()] = dispatch.ClaimFromWire(wire, requested)
	}
	return claims, nil
}

// Time implements TimeSource.
func (c DispatchClient) Time(ctx context.Context) (time.Time, error) {
	res, err := c.Service.GetTime(ctx, &jobv1.GetTimeRequest{})
	if err != nil {
		return time.Time{}, asPermanent(err)
	}
	return res.GetTime().AsTime(), nil
}

// Release implements Dispatch.
func (c DispatchClient) Release(ctx context.Context, messenger string) (int, error) {
	res, err := c.Service.Release(ctx, &jobv1.ReleaseRequest{Messenger: messenger})
	if err != nil {
		return 0, asPermanent(err)
	}
	return int(res.GetCount()), nil
}

// Claimable implements Dispatch.
func (c DispatchClient) Claimable(ctx context.Context, ids []int64) (map[int64]string, error) {
	res, err := c.Service.ListFree(ctx, &jobv1.ListFreeRequest{DeliveryIds: ids})
	if err != nil {
		return nil, asPermanent(err)
	}
	slots := make(map[int64]string, len(res.GetDeliveries()))
	for _, wire := range res.GetDeliveries() {
		slots[wire.GetDeliveryId()] = wire.GetSlots()
	}
	return slots, nil
}

// Report implements Dispatch.
func (c DispatchClient) Report(ctx context.Context, reports []dispatch.Report) ([]int64, error) {
	req := &jobv1.ReportRequest{Reports: make([]*jobv1.Report, 0, len(reports))}
	for _, r := range reports {
		req.Reports = append(req.Reports, dispatch.ReportToWire(r))
	}
	res, err := c.Service.Report(ctx, req)
	if err != nil {
		return nil, asPermanent(err)
	}
	return res.GetFencedDeliveryIds(), nil
}

// Defer implements Dispatch.
func (c DispatchClient) Defer(ctx context.Context, ds []dispatch.Deferral) error {
	now := c.Clock.Now()
	req := &jobv1.DeferRequest{Deferrals: make([]*jobv1.Deferral, 0, len(ds))}
	for _, d := range ds {
		req.Deferrals = append(req.Deferrals, dispatch.DeferralToWire(d, now))
	}
	_, err := c.Service.Defer(ctx, req)
	return asPermanent(err)
}

// MoveDestination implements Dispatch.
func (c DispatchClient) MoveDestination(ctx context.Context, m DestinationMove) error {
	_, err := c.Service.MoveDestination(ctx, &jobv1.MoveDestinationRequest{
		Messenger: m.Messenger, CredentialKey: m.CredentialFingerprint, From: m.From, To: m.To,
	})
	return err
}

// asPermanent marks errors that a retry would not change as fault.ErrInvalid.
func asPermanent(err error) error {
	if err == nil {
		return nil
	}
	switch connect.CodeOf(err) {
	case connect.CodeInvalidArgument, connect.CodeUnimplemented, connect.CodeNotFound, connect.CodeFailedPrecondition, connect.CodeOutOfRange:
		return fault.Invalidf("%w", err)
	}
	return err
}
