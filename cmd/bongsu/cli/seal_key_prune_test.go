package cli

import (
	"testing"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// TestPruneKeepsKeysOfMonitors checks that a key is dropped only if monitors were counted, or the
// caller confirms that there are none, and it seals none.
func TestPruneKeepsKeysOfMonitors(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	con := &console{Now: func() time.Time { return now }, Zone: time.UTC}
	entries := []seal.KeyInfo{{ID: 1, ReplaceTime: now.Add(-48 * time.Hour)}, {ID: 2, Primary: true}}
	for name, test := range map[string]struct {
		counted, without bool
		monitors         *int64
		dropped          bool
	}{
		"counted, none":        {counted: true, monitors: new(int64), dropped: true},
		"counted, one":         {counted: true, monitors: new(int64(1))},
		"not counted":          {},
		"no monitor service":   {without: true, dropped: true},
		"a monitor in any way": {without: true, monitors: new(int64(1))},
	} {
		t.Run(name, func(t *testing.T) {
			res := &messengerv1.ListSealKeysResponse{MonitorsCounted: test.counted, Keys: []*messengerv1.SealKey{{Id: 2, Primary: true}, {Id: 1, MonitorCount: test.monitors}}}
			p, err := sealKeyPrune{Keep: time.Hour, WithoutMonitors: test.without}.judge(con, entries, res)
			kittest.NoError(t, err)
			kittest.Equal(t, len(p.Dropped) == 1, test.dropped)
			kittest.Equal(t, len(p.Kept) == 1, !test.dropped)
		})
	}
}
