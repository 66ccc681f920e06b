package monitor

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
)

var _ monitorv1connect.StatusPageServiceHandler = (*StatusPageHandler)(nil)

const (
	// statusPageQuery is the number of monitors of a query.
	statusPageQuery = 500
	// closedDays is the number of days, with the present one, after which the uptime of a day does not
	// change any more.
	closedDays = 3
	// announcedMaintenance is how long before its begin a window is shown.
	announcedMaintenance = 7 * 24 * time.Hour
)

// A StatusPageHandler implements StatusPageService.
type StatusPageHandler struct {
	Monitors Monitors
	Results  Results
	Windows  MaintenanceWindows
	Now      func() time.Time

	mu   sync.Mutex
	days map[int64]closedUptime // by the id of a monitor
}

// A closedUptime is the uptime of the days of a monitor before until, which do not change.
type closedUptime struct {
	until time.Time
	days  []Uptime
}

// GetStatusPage returns the monitors that are public.
func (h *StatusPageHandler) GetStatusPage(ctx context.Context, _ *monitorv1.GetStatusPageRequest) (*monitorv1.GetStatusPageResponse, error) {
	now := h.Now().UTC().Truncate(time.Microsecond)
	monitors, err := h.public(ctx)
	if err != nil {
		return nil, err
	}
	res := &monitorv1.GetStatusPageResponse{Time: timeToWire(now)}
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.days
	h.days = make(map[int64]closedUptime, len(monitors)) // without monitors that are gone
	for _, m := range monitors {
		days, err := h.uptime(ctx, m.ID, known[m.ID], now)
		if err != nil {
			h.days = known
			return nil, err
		}
		res.Monitors = append(res.Monitors, publicMonitor(m, days, now))
	}
	res.Maintenances, err = h.maintenances(ctx, monitors, now)
	return res, err
}

// public returns the public monitors, by group and then by title.
func (h *StatusPageHandler) public(ctx context.Context) (public []Monitor, err error) {
	for after := ""; ; {
		page, err := h.Monitors.Page(ctx, Query{After: after, Limit: statusPageQuery})
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if m.Settings.Public {
				public = append(public, m)
			}
		}
		if len(page) < statusPageQuery {
			break
		}
		after = page[len(page)-1].Settings.Name
	}
	slices.SortFunc(public, func(a, b Monitor) int {
		return cmp.Or(cmp.Compare(a.Settings.Group, b.Settings.Group), cmp.Compare(titleOf(a), titleOf(b)), cmp.Compare(a.Settings.Name, b.Settings.Name))
	})
	return public, nil
}

// titleOf returns the title of a monitor for people.
func titleOf(m Monitor) string { return cmp.Or(m.Settings.Title, m.Settings.Name) }

// uptime returns the uptime of a monitor in the last days. It reads those that may change, and keeps
// the others. mu must be held.
func (h *StatusPageHandler) uptime(ctx context.Context, id int64, known closedUptime, now time.Time) ([]Uptime, error) {
	first, open := Day.firstOf(defaultDays, now), Day.firstOf(closedDays, now)
	from := first
	if known.until.After(first) {
		from = known.until
	}
	read, err := h.Results.ListUptime(ctx, id, Day, from)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(known.days, read)
	all = slices.DeleteFunc(all, func(u Uptime) bool { return u.Start.Before(first) })
	end := slices.IndexFunc(all, func(u Uptime) bool { return !u.Start.Before(open) })
	if end < 0 {
		end = len(all)
	}
	h.days[id] = closedUptime{until: open, days: slices.Clone(all[:end])}
	return all, nil
}

// publicMonitor returns a monitor as the page shows it.
func publicMonitor(m Monitor, days []Uptime, now time.Time) *monitorv1.StatusPageMonitor {
	wire := &monitorv1.StatusPageMonitor{Title: titleOf(m), Group: m.Settings.Group, State: publicState(m.Status.State), Since: timeToWire(m.Status.Since)}
	var sum Uptime
	next := 0
	for i := range defaultDays {
		start := Day.firstOf(defaultDays-i, now)
		day := &monitorv1.StatusPageDay{StartTime: timeToWire(start)}
		if next < len(days) && days[next].Start.Equal(start) {
			day.Uptime = shareToWire(days[next])
			sum.Passed, sum.Failed = sum.Passed+days[next].Passed, sum.Failed+days[next].Failed
			next++
		}
		wire.Days = append(wire.Days, day)
	}
	wire.Uptime = shareToWire(sum)
	return wire
}

// publicState returns a state as the page shows it.
func publicState(s State) monitorv1.StatusPageState {
	switch s {
	case Up:
		return monitorv1.StatusPageState_STATUS_PAGE_STATE_UP
	case Down:
		return monitorv1.StatusPageState_STATUS_PAGE_STATE_DOWN
	case Maintenance:
		return monitorv1.StatusPageState_STATUS_PAGE_STATE_MAINTENANCE
	case Pending, Unknown, Paused:
	}
	return monitorv1.StatusPageState_STATUS_PAGE_STATE_UNSPECIFIED
}

// maintenances returns the windows of public monitors that are open or begin soon, the first to
// begin first.
func (h *StatusPageHandler) maintenances(ctx context.Context, public []Monitor, now time.Time) ([]*monitorv1.StatusPageMaintenance, error) {
	windows, err := h.Windows.ListWindows(ctx, now)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(windows, func(a, b MaintenanceWindow) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
	var wire []*monitorv1.StatusPageMaintenance
	for _, w := range windows {
		one := &monitorv1.StatusPageMaintenance{StartTime: timeToWire(w.Start), EndTime: timeToWire(w.End), Reason: w.Reason}
		for _, m := range public {
			if w.Contains(m.Settings.Name, w.Start) {
				one.Titles = append(one.Titles, titleOf(m))
			}
		}
		if len(one.Titles) > 0 && w.Start.Before(now.Add(announcedMaintenance)) {
			wire = append(wire, one)
		}
	}
	return wire, nil
}
