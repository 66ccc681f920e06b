package monitor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ monitorv1connect.MaintenanceServiceHandler = (*MaintenanceHandler)(nil)

const (
	// maxMaintenance is how far in the future a window may end: a year, with a leap day.
	maxMaintenance = 366 * 24 * time.Hour
	// endedMaintenance is how long windows that have ended are listed.
	endedMaintenance = 30 * 24 * time.Hour
)

// A MaintenanceHandler implements MaintenanceService.
type MaintenanceHandler struct {
	Windows  MaintenanceWindows
	Monitors Monitors
	// Changed is called after windows have changed.
	Changed func(context.Context)
	Now     func() time.Time
}

func (h *MaintenanceHandler) now() time.Time { return h.Now().UTC().Truncate(time.Microsecond) }

// CreateMaintenance stores a window of monitors that exist.
func (h *MaintenanceHandler) CreateMaintenance(ctx context.Context, req *monitorv1.CreateMaintenanceRequest) (*monitorv1.CreateMaintenanceResponse, error) {
	now := h.now()
	w := MaintenanceWindow{
		Monitors: req.GetMonitors(), Start: now, End: timeFromWire(req.GetEndTime()), Reason: req.GetReason(), Author: callerOf(ctx), CreateTime: now,
	}
	if req.GetStartTime() != nil && req.GetStartTime().AsTime().After(now) {
		w.Start = timeFromWire(req.GetStartTime())
	}
	switch {
	case !w.End.After(now):
		return nil, fault.InvalidField("end_time", "has passed")
	case !w.End.After(w.Start):
		return nil, fault.InvalidField("end_time", "must be after start_time")
	case w.End.After(now.Add(maxMaintenance)):
		return nil, fault.InvalidField("end_time", "must be at most a year from now")
	}
	for i, name := range w.Monitors {
		if err := h.checkExists(ctx, fmt.Sprintf("monitors[%d]", i), name); err != nil {
			return nil, err
		}
	}
	w, err := h.Windows.CreateWindow(ctx, w, now)
	if err != nil {
		return nil, err
	}
	h.Changed(ctx)
	return &monitorv1.CreateMaintenanceResponse{Maintenance: windowToWire(w)}, nil
}

// checkExists returns an error if no monitor has a name, or a name that begins with the part before
// "*". path is the field of the name.
func (h *MaintenanceHandler) checkExists(ctx context.Context, path, name string) error {
	prefix, several := strings.CutSuffix(name, "*")
	if !several {
		_, err := h.Monitors.Monitor(ctx, name)
		if errors.Is(err, fault.ErrNotFound) {
			return fault.InvalidField(path, "no monitor is named %s", name)
		}
		return err
	}
	found, err := h.Monitors.Page(ctx, Query{Prefix: prefix, Limit: 1})
	if err == nil && len(found) == 0 {
		return fault.InvalidField(path, "no monitor has a name that begins with %q", prefix)
	}
	return err
}

// ListMaintenances returns windows.
func (h *MaintenanceHandler) ListMaintenances(ctx context.Context, req *monitorv1.ListMaintenancesRequest) (*monitorv1.ListMaintenancesResponse, error) {
	after := h.now()
	if req.GetEnded() {
		after = after.Add(-endedMaintenance)
	}
	all, err := h.Windows.ListWindows(ctx, after)
	if err != nil {
		return nil, err
	}
	res := &monitorv1.ListMaintenancesResponse{}
	for _, w := range all {
		res.Maintenances = append(res.Maintenances, windowToWire(w))
	}
	return res, nil
}

// EndMaintenance ends a window now.
func (h *MaintenanceHandler) EndMaintenance(ctx context.Context, req *monitorv1.EndMaintenanceRequest) (*monitorv1.EndMaintenanceResponse, error) {
	id, err := strconv.ParseInt(req.GetId(), 10, 64)
	if err != nil || id <= 0 {
		return nil, fault.InvalidField("id", "must be an id, at most 9223372036854775807")
	}
	now := h.now()
	if err := h.Windows.EndWindow(ctx, id, now); err != nil {
		return nil, err
	}
	h.Changed(ctx)
	all, err := h.Windows.ListWindows(ctx, now.Add(-maxMaintenance))
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if w.ID == id {
			return &monitorv1.EndMaintenanceResponse{Maintenance: windowToWire(w)}, nil
		}
	}
	return nil, fault.WithResource(fault.NotFoundf("maintenance %d not found", id), "maintenance", id)
}

func windowToWire(w MaintenanceWindow) *monitorv1.Maintenance {
	return &monitorv1.Maintenance{
		Id: strconv.FormatInt(w.ID, 10), Monitors: w.Monitors, StartTime: timeToWire(w.Start), EndTime: timeToWire(w.End),
		Reason: w.Reason, Author: w.Author, CreateTime: timeToWire(w.CreateTime),
	}
}
