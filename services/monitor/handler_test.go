package monitor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
	"github.com/bongsu-project/bongsu/services/monitor/store"
)

// noon is the time of these tests.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// tcpSettings returns settings of a TCP check.
func tcpSettings(name string, change func(*monitorv1.MonitorSettings)) *monitorv1.MonitorSettings {
	wire := &monitorv1.MonitorSettings{Name: name, Check: &monitorv1.MonitorSettings_Tcp{Tcp: &monitorv1.TcpCheck{Address: "example.com:1"}}}
	change(wire)
	return wire
}

func create(t *testing.T, h *monitor.Handler, wire *monitorv1.MonitorSettings) {
	t.Helper()
	_, err := h.CreateMonitor(t.Context(), &monitorv1.CreateMonitorRequest{Settings: wire})
	kittest.NoError(t, err)
}

// record stores results of a monitor, one each minute up to noon, the last of which have failed.
func record(t *testing.T, s *store.Store, name string, passed, failed int) {
	t.Helper()
	m, err := s.Monitor(t.Context(), name)
	kittest.NoError(t, err)
	var results []monitor.MonitorResult
	for i := range passed + failed {
		r := monitor.Result{Time: noon.Add(time.Duration(i-passed-failed) * time.Minute), Latency: 20 * time.Millisecond, Finding: probe.Finding{Outcome: probe.Passed}}
		if i >= passed {
			r.Finding = probe.Finding{Outcome: probe.Failed, Message: "refused"}
		}
		results = append(results, monitor.MonitorResult{ID: m.ID, Result: r})
	}
	_, err = s.Record(t.Context(), results, func(m monitor.Monitor, r monitor.Result) (monitor.Status, []monitor.Notice) {
		return monitor.Judge(m, r, monitor.Conditions{})
	})
	kittest.NoError(t, err)
}

// TestPages checks that pages of monitors and of results have each of them once.
func TestPages(t *testing.T) {
	s, h, _ := openMonitors(t)
	for _, name := range []string{"c", "a", "b", "d.x", "d.y"} {
		create(t, h, tcpSettings(name, func(*monitorv1.MonitorSettings) {}))
	}
	record(t, s, "a", 3, 2)
	var names []string
	list := &monitorv1.ListMonitorsRequest{PageSize: 2}
	for {
		res, err := h.ListMonitors(t.Context(), list)
		kittest.NoError(t, err)
		for _, m := range res.GetMonitors() {
			names = append(names, m.GetSettings().GetName())
		}
		if list.PageToken = res.GetNextPageToken(); list.GetPageToken() == "" {
			break
		}
	}
	kittest.Equal(t, strings.Join(names, " "), "a b c d.x d.y")
	res, err := h.ListMonitors(t.Context(), &monitorv1.ListMonitorsRequest{Prefix: "d."})
	kittest.NoError(t, err)
	kittest.Equal(t, len(res.GetMonitors()), 2)
	_, err = h.ListMonitors(t.Context(), &monitorv1.ListMonitorsRequest{PageToken: "x'\x00"})
	kittest.Error(t, err, fault.ErrInvalid, "page_token")

	var outcomes []string
	results := &monitorv1.ListResultsRequest{Name: "a", PageSize: 2}
	for {
		res, err := h.ListResults(t.Context(), results)
		kittest.NoError(t, err)
		for _, r := range res.GetResults() {
			outcomes = append(outcomes, r.GetOutcome().String()[len("OUTCOME_"):]+" "+r.GetState().String()[len("MONITOR_STATE_"):])
		}
		if results.PageToken = res.GetNextPageToken(); results.GetPageToken() == "" {
			break
		}
	}
	kittest.Equal(t, strings.Join(outcomes, ", "), "FAILED DOWN, FAILED UP, PASSED UP, PASSED UP, PASSED UP")
	for _, token := range []string{"x", "-1", "0", "01", "99999999999999999999"} {
		_, err := h.ListResults(t.Context(), &monitorv1.ListResultsRequest{Name: "a", PageToken: token})
		kittest.Error(t, err, fault.ErrInvalid, "page_token")
	}
	failed, err := h.ListResults(t.Context(), &monitorv1.ListResultsRequest{Name: "a", Outcome: monitorv1.Outcome_OUTCOME_FAILED, From: timestamppb.New(noon.Add(-time.Minute))})
	kittest.NoError(t, err)
	kittest.Equal(t, len(failed.GetResults()), 1)
	_, err = h.ListResults(t.Context(), &monitorv1.ListResultsRequest{Name: "nope"})
	kittest.Error(t, err, fault.ErrNotFound, "nope")

	states, err := h.ListStates(t.Context(), &monitorv1.ListStatesRequest{State: monitorv1.MonitorState_MONITOR_STATE_DOWN})
	kittest.NoError(t, err)
	kittest.Equal(t, len(states.GetStates()), 1)
	kittest.Equal(t, [2]any{states.GetStates()[0].GetName(), states.GetStates()[0].GetReason() != ""}, [2]any{"a", true})
}

// TestUptime checks the uptime of the present periods.
func TestUptime(t *testing.T) {
	s, h, _ := openMonitors(t)
	h.Now = func() time.Time { return noon.Add(-time.Second) }
	create(t, h, tcpSettings("a", func(*monitorv1.MonitorSettings) {}))
	res, err := h.ListUptime(t.Context(), &monitorv1.ListUptimeRequest{Name: "a"})
	kittest.NoError(t, err)
	kittest.Equal(t, len(res.GetPeriods()) == 0 && res.Uptime == nil, true)
	record(t, s, "a", 3, 1)
	for _, period := range []monitorv1.UptimePeriod{0, monitorv1.UptimePeriod_UPTIME_PERIOD_HOUR, monitorv1.UptimePeriod_UPTIME_PERIOD_DAY} {
		res, err := h.ListUptime(t.Context(), &monitorv1.ListUptimeRequest{Name: "a", Period: period})
		kittest.NoError(t, err)
		kittest.Equal(t, len(res.GetPeriods()), 1)
		u := res.GetPeriods()[0]
		kittest.Equal(t, [4]any{u.GetPassed(), u.GetFailed(), u.GetUptime(), u.GetMeanLatency().AsDuration()}, [4]any{int64(3), int64(1), 0.75, 20 * time.Millisecond})
		kittest.Equal(t, res.GetUptime(), 0.75)
	}
}

// TestStatusPage checks that the page has the public monitors only, and of them what people outside
// may see.
func TestStatusPage(t *testing.T) {
	s, h, _ := openMonitors(t)
	public := func(title, group string) func(*monitorv1.MonitorSettings) {
		return func(w *monitorv1.MonitorSettings) { w.Title, w.Group, w.Public = title, group, true }
	}
	create(t, h, tcpSettings("shop", public("The shop", "Sales")))
	create(t, h, tcpSettings("mail", public("", "")))
	create(t, h, tcpSettings("s3cret-host", func(w *monitorv1.MonitorSettings) { w.Title = "Internal" }))
	record(t, s, "shop", 3, 2)
	record(t, s, "s3cret-host", 1, 0)
	maintenances := &monitor.MaintenanceHandler{Windows: s, Monitors: s, Changed: func(context.Context) {}, Now: func() time.Time { return noon }}
	for _, names := range [][]string{{"sh*"}, {"s3cret-host"}} {
		_, err := maintenances.CreateMaintenance(t.Context(), &monitorv1.CreateMaintenanceRequest{Monitors: names, EndTime: timestamppb.New(noon.Add(time.Hour)), Reason: "upgrade"})
		kittest.NoError(t, err)
	}
	now := noon
	page := &monitor.StatusPageHandler{Monitors: s, Results: s, Windows: s, Now: func() time.Time { return now }}
	for range 2 { // the second time with closed days in memory
		res, err := page.GetStatusPage(t.Context(), &monitorv1.GetStatusPageRequest{})
		kittest.NoError(t, err)
		kittest.Equal(t, len(res.GetMonitors()), 2)
		mail, shop := res.GetMonitors()[0], res.GetMonitors()[1]
		kittest.Equal(t, [3]any{mail.GetTitle(), mail.GetState(), mail.Uptime == nil}, [3]any{"mail", monitorv1.StatusPageState_STATUS_PAGE_STATE_UNSPECIFIED, true})
		kittest.Equal(t, [3]any{shop.GetTitle(), shop.GetGroup(), shop.GetState()}, [3]any{"The shop", "Sales", monitorv1.StatusPageState_STATUS_PAGE_STATE_DOWN})
		kittest.Equal(t, len(shop.GetDays()), 90)
		today := 89 - int(now.Sub(noon)/(24*time.Hour))
		for i, day := range shop.GetDays() {
			kittest.Equal(t, day.Uptime != nil, i == today)
		}
		kittest.Equal(t, shop.GetUptime(), 0.6)
		if now.Equal(noon) {
			kittest.Equal(t, len(res.GetMaintenances()), 1)
			kittest.Equal(t, strings.Join(res.GetMaintenances()[0].GetTitles(), ""), "The shop")
		}
		if text := res.String(); strings.Contains(text, "s3cret") || strings.Contains(text, "example.com") || strings.Contains(text, "refused") {
			t.Errorf("the page shows %s", text)
		}
		now = now.Add(5 * 24 * time.Hour)
	}
}

// TestMaintenanceRequests checks what is refused.
func TestMaintenanceRequests(t *testing.T) {
	s, h, _ := openMonitors(t)
	create(t, h, tcpSettings("shop", func(*monitorv1.MonitorSettings) {}))
	m := &monitor.MaintenanceHandler{Windows: s, Monitors: s, Changed: func(context.Context) {}, Now: func() time.Time { return noon }}
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(noon.Add(d)) }
	for _, c := range []struct {
		req   *monitorv1.CreateMaintenanceRequest
		field string
	}{
		{&monitorv1.CreateMaintenanceRequest{Monitors: []string{"shop"}, EndTime: at(-time.Second)}, "end_time"},
		{&monitorv1.CreateMaintenanceRequest{Monitors: []string{"shop"}, StartTime: at(2 * time.Hour), EndTime: at(time.Hour)}, "end_time"},
		{&monitorv1.CreateMaintenanceRequest{Monitors: []string{"shop"}, EndTime: at(400 * 24 * time.Hour)}, "end_time"},
		{&monitorv1.CreateMaintenanceRequest{Monitors: []string{"shop", "nope"}, EndTime: at(time.Hour)}, "monitors[1]"},
		{&monitorv1.CreateMaintenanceRequest{Monitors: []string{"no*"}, EndTime: at(time.Hour)}, "monitors[0]"},
	} {
		_, err := m.CreateMaintenance(t.Context(), c.req)
		kittest.Error(t, err, fault.ErrInvalid, c.field)
	}
	res, err := m.CreateMaintenance(t.Context(), &monitorv1.CreateMaintenanceRequest{Monitors: []string{"*"}, EndTime: at(time.Hour), Reason: "x"})
	kittest.NoError(t, err)
	ended, err := m.EndMaintenance(t.Context(), &monitorv1.EndMaintenanceRequest{Id: res.GetMaintenance().GetId()})
	kittest.NoError(t, err)
	kittest.Equal(t, ended.GetMaintenance().GetEndTime().AsTime(), noon)
	for _, id := range []string{"99", "9999999999999999999"} {
		_, err = m.EndMaintenance(t.Context(), &monitorv1.EndMaintenanceRequest{Id: id})
		kittest.Equal(t, err != nil, true)
	}
	all, err := m.ListMaintenances(t.Context(), &monitorv1.ListMaintenancesRequest{})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all.GetMaintenances()), 0)
	all, err = m.ListMaintenances(t.Context(), &monitorv1.ListMaintenancesRequest{Ended: true})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all.GetMaintenances()), 1)
}
