package app

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/sender"
)

// TestLease checks the defaults of leases and provider timeouts, and that a lease that
// could expire during a call is an error that names both flags.
func TestLease(t *testing.T) {
	for name, c := range map[string]struct {
		lease, timeout         time.Duration
		wantLease, wantTimeout time.Duration // 0 if the configuration is invalid
	}{
		"defaults":                {0, 0, 30 * time.Second, 10 * time.Second},
		"a longer lease":          {time.Hour, 0, time.Hour, 10 * time.Second},
		"a shorter timeout":       {0, time.Millisecond, 30 * time.Second, time.Millisecond},
		"the shortest lease":      {time.Second, 499 * time.Millisecond, time.Second, 499 * time.Millisecond},
		"more than two calls":     {20*time.Second + 1, 10 * time.Second, 20*time.Second + 1, 10 * time.Second},
		"two calls exactly":       {20 * time.Second, 10 * time.Second, 0, 0},
		"less than two calls":     {0, 16 * time.Second, 0, 0},
		"too short for a default": {20 * time.Second, 0, 0, 0},
		"below a second":          {time.Second - 1, time.Millisecond, 0, 0},
		"a negative lease":        {-time.Minute, time.Millisecond, 0, 0},
		"a negative timeout":      {0, -time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Config{Data: t.TempDir(), Lease: c.lease, Sender: sender.Config{ProviderTimeout: c.timeout}}.complete()
			if c.wantLease == 0 {
				if err == nil || !strings.Contains(err.Error(), "--lease") || !strings.Contains(err.Error(), "--provider-timeout") {
					t.Errorf("error is %v, want one that names both flags", err)
				}
				return
			}
			if err != nil || got.Lease != c.wantLease || got.Sender.ProviderTimeout != c.wantTimeout {
				t.Errorf("got %s and %s, %v; want %s and %s", got.Lease, got.Sender.ProviderTimeout, err, c.wantLease, c.wantTimeout)
			}
		})
	}
}
