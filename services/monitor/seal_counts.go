package monitor

import (
	"context"
	"maps"
	"slices"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// A SealCount is the number of monitors under one seal key.
type SealCount struct {
	Key   seal.KeyID
	Count int
}

// CountBySealKey returns the number of monitors by the seal keys of their secrets, by key. A monitor
// whose secrets are sealed under several keys is counted for each.
func CountBySealKey(ctx context.Context, monitors Monitors) ([]SealCount, error) {
	counts := map[seal.KeyID]int{}
	for after := ""; ; {
		page, err := monitors.Page(ctx, Query{After: after, Limit: resealPage})
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			after = m.Settings.Name
			ids := sealKeysOf(m.Settings.Check)
			slices.Sort(ids)
			for _, id := range slices.Compact(ids) {
				counts[id]++
			}
		}
		if len(page) < resealPage {
			break
		}
	}
	var seals []SealCount
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		seals = append(seals, SealCount{id, counts[id]})
	}
	return seals, nil
}
