package inbox

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
)

var _ ReadRecorder = ReadClient{}

// A ReadClient implements ReadRecorder over DispatchService: the alert service's handler in one
// process, a generated client across processes.
type ReadClient struct {
	Service jobv1connect.DispatchServiceClient
}

// RecordReads implements ReadRecorder.
func (c ReadClient) RecordReads(ctx context.Context, reads []Read) error {
	req := &jobv1.RecordReadsRequest{Reads: make([]*jobv1.DeliveryRead, len(reads))}
	for i, r := range reads {
		req.Reads[i] = &jobv1.DeliveryRead{DeliveryId: r.DeliveryID, Time: timestamppb.New(r.Time)}
	}
	_, err := c.Service.RecordReads(ctx, req)
	return err
}
