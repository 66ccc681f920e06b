package sender_test

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestRaisedLimit lets deliveries wait for slots of a slow rate limit, some of them beyond the
// horizon of the limiter, and restarts the sender with a raised limit, or with none: none of
// them waits for its old slot. A slot of the raised limit may be reserved before the sender
// drops those of the slow one, for a job that is already in the queue.
func TestRaisedLimit(t *testing.T) {
	raised := ratelimit.Rate{Count: 1000, Per: time.Second}
	for _, c := range []struct {
		name     string
		limit    ratelimit.Rate
		reserved int // slots of the raised limit
	}{
		{"off", ratelimit.Rate{}, 0},
		{"raised", raised, 0},
		{"raised and used", raised, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, net := newSlowSenderHarness(t)
			var ids []int64
			for range 14 { // the horizon is that of the 11th
				ids = append(ids, h.send(t))
			}
			stop := run(t, h.sender.Run)
			for h.count(t, ids, isDeferred) < len(ids)-1 {
				await(t, net.deferred)
			}
			await(t, net.report)
			stop()

			key := h.destination()
			key.Rate = c.limit
			if c.reserved > 0 {
				_, err := h.sender.Limiter.Reserve(t.Context(), key, c.reserved, false)
				must(t, err)
			}
			h.sender.Limits = func(messenger.Spec) messenger.Limits { return messenger.Limits{Destination: c.limit} }
			run(t, h.sender.Run)
			for h.count(t, ids, isSent) < len(ids) {
				await(t, net.report)
			}
		})
	}
}

// count returns the number of alerts whose delivery is as required.
func (h *senderHarness) count(t *testing.T, ids []int64, is func(alert.Delivery) bool) (n int) {
	t.Helper()
	for _, id := range ids {
		_, ds, err := h.ledger.Alert(t.Context(), id)
		must(t, err)
		if is(ds[0]) {
			n++
		}
	}
	return n
}

func isSent(d alert.Delivery) bool { return d.State == alert.Sent }

// isDeferred reports whether a sender deferred a delivery: before, it is due in an hour.
func isDeferred(d alert.Delivery) bool {
	in := time.Until(d.NextTime)
	return d.State == alert.Queued && in > 0 && in < time.Hour/2
}
