package sender

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
)

// stopClaimTimeout is how long a pending claim is retried after the sender stops.
const stopClaimTimeout = 3 * time.Second

// A claimStage claims planned deliveries, a claim batch at a time. It runs in the goroutine
// of the take stage.
type claimStage struct {
	log      *slog.Logger
	now      func() time.Time
	dispatch Dispatch
	calls    *alertCalls
	spans    spans
}

// run claims tasks: without a claim nothing may be sent. A task whose claim was not granted
// has no fencing token. It returns errAlertTimeout if the alert service does not respond
// soon. Then the request is retried in the background and its claims are released: they
// may have been granted without a response.
func (s *claimStage) run(ctx context.Context, tasks []*task) error {
	if len(tasks) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(tasks))
	for _, t := range tasks {
		ids = t.appendIDs(ids)
	}
	var request [16]byte
	rand.Read(request[:])
	ctx, span := s.spans.startClaim(ctx, tasks)
	claims, err := callAlert(ctx, s.calls, "claim deliveries",
		func(ctx context.Context) (map[int64]dispatch.Claim, error) {
			return s.dispatch.Claim(ctx, request, ids)
		},
		s.release)
	endBatch(span, err)
	for _, t := range tasks {
		t.setClaims(claims)
	}
	return err
}

// release releases claims at once that were granted after the sender stopped waiting for
// them.
func (s *claimStage) release(ctx context.Context, claims map[int64]dispatch.Claim) {
	if len(claims) == 0 {
		return
	}
	now := s.now()
	ds := make([]dispatch.Deferral, 0, len(claims))
	for id, claim := range claims {
		ds = append(ds, dispatch.Deferral{DeliveryID: id, Fence: claim.Fence, Time: now})
	}
	if _, err := retryCall(ctx, s.calls.link, "release claims", func() (struct{}, error) { return struct{}{}, s.dispatch.Defer(ctx, ds) }); err != nil {
		s.log.Warn("cannot release claims, the deliveries continue when their leases expire", "deliveries", len(ds), "error", err)
	}
}
