package sender

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
)

// A steppedClock is a clock without a monotonic part that is ahead.
type steppedClock struct{ ahead atomic.Int64 }

func (s *steppedClock) now() time.Time { return time.Now().Round(0).Add(time.Duration(s.ahead.Load())) }

// A fixedTime is an alert service with a correct clock. It calls during in its first
// response.
type fixedTime struct {
	during   func()
	requests int
}

func (t *fixedTime) Time(context.Context) (time.Time, error) {
	theirs := time.Now().Round(0)
	if t.requests++; t.requests == 1 {
		t.during()
	}
	return theirs, nil
}

// TestClockStepDuringComparison moves the sender's clock by an hour during a comparison: the
// step does not count as skew, and the real skew is detected at once.
func TestClockStepDuringComparison(t *testing.T) {
	for name, c := range map[string]struct{ from, to time.Duration }{
		"ahead, then corrected":  {time.Hour, 0},
		"behind, then corrected": {-time.Hour, 0},
		"correct, then behind":   {0, -time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var local steppedClock
				local.ahead.Store(int64(c.from))
				clock := NewClock(local.now, slog.New(slog.DiscardHandler))
				service := &fixedTime{during: func() { local.ahead.Store(int64(c.to)) }}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- clock.Follow(ctx, service) }()
				synctest.Wait()
				if off := clock.Now().Sub(time.Now().Round(0)); off != 0 {
					t.Errorf("after %d requests the clock is %s ahead", service.requests, off)
				}
				if ready := clock.Check(ctx) == nil; ready != (c.to == 0) {
					t.Errorf("agrees with the alert service: %t", ready)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSharedClock compares with an alert service in the same process, which read the
// clock before a step: the clock uses its own time only.
func TestSharedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var local steppedClock
		clock := SharedClock(local.now)
		now := local.now()
		clock.compare(now, now.Add(-time.Hour), now)
		clock.CompareOnce(t.Context(), &fixedTime{during: func() {}})
		if !clock.Now().Equal(now) || clock.Check(t.Context()) != nil || clock.Follow(t.Context(), nil) != nil {
			t.Errorf("clock is %s ahead", clock.Now().Sub(now))
		}
	})
}

// recordingDispatch is an alert service that records the waits of deferrals.
type recordingDispatch struct {
	jobv1connect.DispatchServiceClient
	seen []time.Duration
}

func (r *recordingDispatch) Defer(_ context.Context, req *jobv1.DeferRequest) (*jobv1.DeferResponse, error) {
	for _, d := range req.GetDeferrals() {
		r.seen = append(r.seen, d.GetWait().AsDuration())
	}
	return &jobv1.DeferResponse{}, nil
}

// TestClockStepDuringDeferral corrects the clock between a deferral and its request:
// the delivery does not wait longer.
func TestClockStepDuringDeferral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var local steppedClock
		service := &recordingDispatch{}
		d := &deferrer{now: local.now, metrics: NoMetrics{}}
		client := DispatchClient{Service: service, Clock: SharedClock(local.now)}
		want := []time.Duration{20 * time.Second, 20 * time.Second, 15 * time.Second, 0}
		for i, step := range []time.Duration{0, -time.Hour, 5 * time.Second, time.Hour} {
			local.ahead.Store(int64(time.Hour))
			r := d.deferUntil(&task{}, local.now().Add(20*time.Second), deferralRateLimit)
			local.ahead.Add(int64(step))
			if err := client.Defer(t.Context(), []dispatch.Deferral{*r.deferral}); err != nil {
				t.Fatal(err)
			}
			if got := service.seen[i]; got != want[i] {
				t.Errorf("after a step of %s: wait %s, want %s", step, got, want[i])
			}
		}
	})
}
