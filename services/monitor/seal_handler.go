package monitor

import (
	"context"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
)

var _ monitorv1connect.MonitorSealServiceHandler = (*SealHandler)(nil)

// A SealHandler implements MonitorSealService.
type SealHandler struct {
	Monitors Monitors
}

// ListSealCounts returns the number of monitors by seal key.
func (h *SealHandler) ListSealCounts(ctx context.Context, _ *monitorv1.ListSealCountsRequest) (*monitorv1.ListSealCountsResponse, error) {
	seals, err := CountBySealKey(ctx, h.Monitors)
	if err != nil {
		return nil, err
	}
	res := &monitorv1.ListSealCountsResponse{}
	for _, s := range seals {
		res.Monitors = append(res.Monitors, &monitorv1.SealCount{KeyId: uint32(s.Key), Count: int64(s.Count)})
	}
	return res, nil
}
