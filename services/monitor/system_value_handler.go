package monitor

import (
	"context"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

var _ monitorv1connect.SystemValueServiceHandler = (*SystemValueHandler)(nil)

// A SystemValueHandler implements SystemValueService in a process of any service.
type SystemValueHandler struct {
	Values func() probe.LocalValues // of this process
}

// ReadSystemValue reads a value of this process. One that cannot be read before the deadline of the
// caller has the reason for that.
func (h *SystemValueHandler) ReadSystemValue(ctx context.Context, req *monitorv1.ReadSystemValueRequest) (*monitorv1.ReadSystemValueResponse, error) {
	v := probe.SystemValue(req.GetValue())
	read := h.Values()[v]
	if read == nil {
		return nil, fault.NotFoundf("this process does not have the value %s", v)
	}
	ctx, cancel := withinDeadline(ctx)
	defer cancel()
	done := make(chan *monitorv1.ReadSystemValueResponse, 1) // a read that does not end with ctx ends later
	go func() {
		number, err := read(ctx)
		if err != nil {
			done <- &monitorv1.ReadSystemValueResponse{Reason: probe.Reason(err)}
			return
		}
		done <- &monitorv1.ReadSystemValueResponse{Number: &number}
	}()
	select {
	case res := <-done:
		return res, nil
	case <-ctx.Done():
		return &monitorv1.ReadSystemValueResponse{Reason: probe.Reason(ctx.Err())}, nil
	}
}
