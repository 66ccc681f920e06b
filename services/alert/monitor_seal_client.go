package alert

import (
	"context"

	"connectrpc.com/connect"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

var _ MonitorSealCounter = (*MonitorSealClient)(nil)

// A MonitorSealClient counts monitors by seal key at the monitor service, in this process or in
// another one.
type MonitorSealClient struct {
	Service monitorv1connect.MonitorSealServiceClient
	Known   func() bool // reports whether the system is known to have a monitor service
}

// CountMonitorsBySealKey returns the number of monitors by seal key.
func (c *MonitorSealClient) CountMonitorsBySealKey(ctx context.Context) (map[seal.KeyID]int64, error) {
	if !c.Known() {
		return nil, ErrNoMonitorService
	}
	res, err := c.Service.ListSealCounts(ctx, &monitorv1.ListSealCountsRequest{})
	if connect.CodeOf(err) == connect.CodeUnimplemented {
		return nil, fault.Unavailablef("the monitor service does not count its monitors by seal key: upgrade it")
	}
	if err != nil {
		return nil, err
	}
	counts := map[seal.KeyID]int64{}
	for _, count := range res.GetMonitors() {
		counts[seal.KeyID(count.GetKeyId())] += count.GetCount()
	}
	return counts, nil
}
