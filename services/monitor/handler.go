package monitor

import (
	"cmp"
	"context"
	"strings"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ monitorv1connect.MonitorServiceHandler = (*Handler)(nil)

// defaultPage is the page size if the request sets none.
const defaultPage = 50

// A TargetResolver resolves targets without notifying anybody, as AlertService does.
type TargetResolver interface {
	ResolveTargets(context.Context, *alertv1.ResolveTargetsRequest) (*alertv1.ResolveTargetsResponse, error)
}

// A Handler implements MonitorService.
type Handler struct {
	Monitors Monitors
	Results  Results
	Secrets  Secrets
	Resolver TargetResolver
	Run      CheckRunner
	// Notify is called after notices were stored. It must not block.
	Notify func()
	Now    func() time.Time
}

// now returns the time as it is stored.
func (h *Handler) now() time.Time { return h.Now().UTC().Truncate(time.Microsecond) }

// CreateMonitor creates a monitor.
func (h *Handler) CreateMonitor(ctx context.Context, req *monitorv1.CreateMonitorRequest) (*monitorv1.CreateMonitorResponse, error) {
	s, err := h.settings(ctx, req.GetSettings())
	if err != nil {
		return nil, err
	}
	if isReserved(s.Name) {
		return nil, reservedName(s.Name)
	}
	now := h.now()
	m, err := h.Monitors.Create(ctx, Monitor{Settings: s, CreateTime: now, UpdateTime: now})
	if err != nil {
		return nil, err
	}
	return &monitorv1.CreateMonitorResponse{Monitor: monitorToWire(m)}, nil
}

// SetMonitor creates a monitor or replaces its settings.
func (h *Handler) SetMonitor(ctx context.Context, req *monitorv1.SetMonitorRequest) (*monitorv1.SetMonitorResponse, error) {
	wire := req.GetSettings()
	switch wire.GetName() {
	case req.GetName():
	case "":
		wire.Name = req.GetName()
	default:
		return nil, fault.InvalidField("settings.name", "must be empty or %q", req.GetName())
	}
	s, err := h.settings(ctx, wire)
	if err != nil {
		return nil, err
	}
	now := h.now()
	m, created, err := h.Monitors.Set(ctx, s.Name, func(stored *Monitor) (Monitor, error) {
		if stored == nil {
			if isReserved(s.Name) {
				return Monitor{}, reservedName(s.Name)
			}
			return Monitor{Settings: s, CreateTime: now, UpdateTime: now}, nil
		}
		if stored.BuiltIn {
			if err := checkBuiltIn(stored.Settings.Check, s.Check); err != nil {
				return Monitor{}, err
			}
		}
		changed := *stored
		changed.Settings, changed.UpdateTime = s, now
		changed.Settings.Check, err = keepSecrets(s.Check, stored.Settings.Check)
		return changed, err
	})
	if err != nil {
		return nil, err
	}
	return &monitorv1.SetMonitorResponse{Monitor: monitorToWire(m), Created: created}, nil
}

// settings returns the settings of a request, with sealed secrets.
func (h *Handler) settings(ctx context.Context, wire *monitorv1.MonitorSettings) (Settings, error) {
	s, err := settingsFromWire(wire)
	if err != nil {
		return Settings{}, fault.Within("settings", err)
	}
	if err := h.checkTargets(ctx, s); err != nil {
		return Settings{}, fault.Within("settings", err)
	}
	s.Check, err = h.Secrets.seal(s.Name, s.Check)
	return s, err
}

// checkTargets returns an error for a malformed or unknown target, and for an unknown messenger.
func (h *Handler) checkTargets(ctx context.Context, s Settings) error {
	if len(s.Targets) == 0 {
		return nil
	}
	res, err := h.Resolver.ResolveTargets(ctx, &alertv1.ResolveTargetsRequest{Target: s.Targets, By: s.By, PageSize: 1})
	if err != nil {
		return err
	}
	if unknown := res.GetUnknownTarget(); len(unknown) > 0 {
		return fault.InvalidField("target", "unknown target %s", unknown[0])
	}
	return nil
}

// GetMonitor returns a monitor.
func (h *Handler) GetMonitor(ctx context.Context, req *monitorv1.GetMonitorRequest) (*monitorv1.GetMonitorResponse, error) {
	m, err := h.Monitors.Monitor(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return &monitorv1.GetMonitorResponse{Monitor: monitorToWire(m)}, nil
}

// ListMonitors returns a page of monitors. The token of the next page is the name of the last one.
func (h *Handler) ListMonitors(ctx context.Context, req *monitorv1.ListMonitorsRequest) (*monitorv1.ListMonitorsResponse, error) {
	if token := req.GetPageToken(); token != "" && !isName(token) {
		return nil, errPageToken()
	}
	limit := cmp.Or(int(req.GetPageSize()), defaultPage)
	all, err := h.Monitors.Page(ctx, Query{After: req.GetPageToken(), Prefix: req.GetPrefix(), State: State(req.GetState()), Limit: limit + 1})
	if err != nil {
		return nil, err
	}
	res := &monitorv1.ListMonitorsResponse{}
	if len(all) > limit {
		all = all[:limit]
		res.NextPageToken = all[limit-1].Settings.Name
	}
	for _, m := range all {
		res.Monitors = append(res.Monitors, monitorToWire(m))
	}
	return res, nil
}

// DeleteMonitor deletes a monitor that is not built in.
func (h *Handler) DeleteMonitor(ctx context.Context, req *monitorv1.DeleteMonitorRequest) (*monitorv1.DeleteMonitorResponse, error) {
	m, err := h.Monitors.Monitor(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if m.BuiltIn {
		return nil, fault.Preconditionf("monitor %s is built in and cannot be deleted; pause it", req.GetName())
	}
	if err := h.Monitors.Delete(ctx, req.GetName(), h.now()); err != nil {
		return nil, err
	}
	h.Notify()
	return &monitorv1.DeleteMonitorResponse{}, nil
}

// RunMonitor runs the check of a monitor in the process that runs its checks.
func (h *Handler) RunMonitor(ctx context.Context, req *monitorv1.RunMonitorRequest) (*monitorv1.RunMonitorResponse, error) {
	m, err := h.Monitors.Monitor(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if isHeartbeat(m) {
		return nil, fault.Preconditionf("monitor %s is a heartbeat, which has no check", req.GetName())
	}
	r, err := h.Run.RunCheck(ctx, &monitorv1.RunCheckRequest{Name: req.GetName()})
	if err != nil {
		return nil, err
	}
	return &monitorv1.RunMonitorResponse{Result: r.GetResult()}, nil
}

// ListStates returns the states of all monitors.
func (h *Handler) ListStates(ctx context.Context, req *monitorv1.ListStatesRequest) (*monitorv1.ListStatesResponse, error) {
	all, err := h.Results.Statuses(ctx)
	if err != nil {
		return nil, err
	}
	res := &monitorv1.ListStatesResponse{}
	for _, m := range all {
		if want := State(req.GetState()); want == 0 || m.Status.State == want {
			res.States = append(res.States, statusToWire(m))
		}
	}
	return res, nil
}

// isName reports whether a text may be the name of a monitor.
func isName(text string) bool {
	return text != "" && len(text) <= 100 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

func errPageToken() error {
	return fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
}

// A CheckRunner runs the check of a monitor, in this process or in another one.
type CheckRunner interface {
	// RunCheck runs a check, and records its result. It must return fault.ErrPrecondition if
	// another process runs the checks of the monitor, and fault.ErrUnavailable if none does.
	RunCheck(context.Context, *monitorv1.RunCheckRequest) (*monitorv1.RunCheckResponse, error)
}
