package monitor

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var (
	_ monitorv1connect.MonitorRunServiceHandler = (*RunHandler)(nil)
	_ CheckRunner                               = (*RunHandler)(nil)
	_ CheckRunner                               = (*RemoteRunner)(nil)
)

// A RunHandler implements MonitorRunService: it runs the checks of this process.
type RunHandler struct {
	Scheduler interface {
		// RunNow runs the check of a monitor. It must return fault.ErrPrecondition if another process
		// runs its checks.
		RunNow(ctx context.Context, name string) (Result, error)
	}
}

// RunCheck runs the check of a monitor that this process runs.
func (h *RunHandler) RunCheck(ctx context.Context, req *monitorv1.RunCheckRequest) (*monitorv1.RunCheckResponse, error) {
	r, err := h.Scheduler.RunNow(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return &monitorv1.RunCheckResponse{Result: resultToWire(r)}, nil
}

// A RemoteRunner runs a check in this process, or in another one that runs the checks of its
// monitor.
type RemoteRunner struct {
	Here CheckRunner
	// Others returns the monitor services of other processes.
	Others func() []monitorv1connect.MonitorRunServiceClient
}

// RunCheck calls one process after the other, until one runs the check.
func (r *RemoteRunner) RunCheck(ctx context.Context, req *monitorv1.RunCheckRequest) (*monitorv1.RunCheckResponse, error) {
	res, err := r.Here.RunCheck(ctx, req)
	if !errors.Is(err, fault.ErrPrecondition) {
		return res, err
	}
	for _, other := range r.Others() {
		res, err := other.RunCheck(ctx, req)
		if err == nil {
			return res, nil
		}
		switch connect.CodeOf(err) { //nolint:exhaustive // the others are those of the check
		case connect.CodeFailedPrecondition, connect.CodeUnavailable, connect.CodeUnauthenticated, connect.CodeUnimplemented:
		default:
			return nil, err
		}
	}
	return nil, fault.Unavailablef("no monitor service runs the checks of monitor %s now; try again", req.GetName())
}
