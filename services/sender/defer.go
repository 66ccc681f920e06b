package sender

import (
	"context"
	"errors"
	"log/slog"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
)

// A deferStage records the deferrals of unclaimed deliveries, and then acks their queue
// messages.
type deferStage struct {
	log       *slog.Logger
	dispatch  Dispatch
	calls     *alertCalls
	deferrals *deferralQueue // from the take stage
}

// run records deferrals until their queue ends, in batches of those that are queued. If the
// alert service does not respond soon, their queue messages are nacked.
func (s *deferStage) run(ctx context.Context) {
	for r := range s.deferrals.results {
		batch := withQueued(*r, s.deferrals.results)
		ds := make([]dispatch.Deferral, 0, len(batch))
		for _, r := range batch {
			ds = append(append(ds, *r.deferral), r.otherDeferrals...)
		}
		_, err := callAlert(ctx, s.calls, "defer deliveries",
			func(ctx context.Context) (struct{}, error) { return struct{}{}, s.dispatch.Defer(ctx, ds) },
			func(context.Context, struct{}) {})
		if err != nil && !errors.Is(err, errAlertTimeout) {
			s.log.Warn("cannot defer deliveries, nacking their jobs", "deliveries", len(ds), "error", err)
		}
		s.deferrals.done(len(batch))
		ackRecorded(s.log, batch, err)
	}
}
