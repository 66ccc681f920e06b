package alert

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
)

// RecordReads records that deliveries were read.
func (h *DispatchHandler) RecordReads(context.Context, *jobv1.RecordReadsRequest) (*jobv1.RecordReadsResponse, error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("not implemented"))
}
