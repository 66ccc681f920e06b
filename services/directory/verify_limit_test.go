package directory

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// TestVerifyRateLimit verifies many addresses concurrently: a burst passes without wait,
// some wait for a slot, and the rest is refused for a later retry.
func TestVerifyRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limit verifyLimit
		start := time.Now()
		waits := make(chan time.Duration, 100)
		for range 100 {
			go func() {
				if err := limit.wait(t.Context(), time.Now()); err != nil {
					if !errors.Is(err, fault.ErrUnavailable) {
						t.Error(err)
					}
					waits <- -1
					return
				}
				waits <- time.Since(start)
			}()
		}
		count := map[time.Duration]int{}
		for range 100 {
			count[<-waits]++
		}
		const gap, waited = time.Second / verifyPerSecond, int(verifyWait/time.Second) * verifyPerSecond
		if count[0] != verifyBurst || count[gap] != 1 || count[verifyWait] != 1 || count[-1] != 100-verifyBurst-waited {
			t.Errorf("%v", count)
		}

		time.Sleep(time.Minute) // in the synctest bubble
		for range verifyBurst {
			if err := limit.wait(t.Context(), time.Now()); err != nil {
				t.Error(err)
			}
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := limit.wait(gone, time.Now()); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that left: %v", err)
		}
	})
}
