package alert

import (
	"context"
	"slices"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
)

// RecordReads records that deliveries were read.
func (h *DispatchHandler) RecordReads(ctx context.Context, req *jobv1.RecordReadsRequest) (*jobv1.RecordReadsResponse, error) {
	reads := make([]DeliveryRead, len(req.GetReads()))
	for i, r := range req.GetReads() {
		reads[i] = DeliveryRead{DeliveryID: r.GetDeliveryId(), Time: r.GetTime().AsTime()}
	}
	changed, err := h.Receipts.RecordReads(ctx, reads)
	if err != nil {
		return nil, err
	}
	h.Hub.Changed(slices.Values(changed))
	return &jobv1.RecordReadsResponse{}, nil
}
