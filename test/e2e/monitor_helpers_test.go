package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

const (
	isUp   = monitorv1.MonitorState_MONITOR_STATE_UP
	isDown = monitorv1.MonitorState_MONITOR_STATE_DOWN
	failed = monitorv1.Outcome_OUTCOME_FAILED
)

func (d deployment) monitors() monitorv1connect.MonitorServiceClient {
	return monitorv1connect.NewMonitorServiceClient(http.DefaultClient, d.edge)
}

func (d deployment) maintenances() monitorv1connect.MaintenanceServiceClient {
	return monitorv1connect.NewMaintenanceServiceClient(http.DefaultClient, d.edge)
}

// watching returns the settings of a monitor with a timeout of a second, whose alarms reach the first user
// by Slack.
func watching(name string, interval time.Duration) *monitorv1.MonitorSettings {
	return &monitorv1.MonitorSettings{
		Name: name, Interval: durationpb.New(interval), Timeout: durationpb.New(time.Second), Failures: 2, Recoveries: 2,
		Target: []string{"@user1"}, By: []string{"slack"},
	}
}

// createMonitor creates a monitor.
func (d deployment) createMonitor(t *testing.T, s *monitorv1.MonitorSettings) {
	t.Helper()
	_, err := d.monitors().CreateMonitor(t.Context(), &monitorv1.CreateMonitorRequest{Settings: s})
	must(t, err)
}

// pauseMonitor pauses a monitor, before its target ends with the test.
func (d deployment) pauseMonitor(t *testing.T, s *monitorv1.MonitorSettings) {
	t.Helper()
	s.Paused = true
	_, err := d.monitors().SetMonitor(t.Context(), &monitorv1.SetMonitorRequest{Name: s.GetName(), Settings: s})
	must(t, err)
}

// monitor returns a monitor.
func (d deployment) monitor(t *testing.T, name string) *monitorv1.Monitor {
	t.Helper()
	res, err := d.monitors().GetMonitor(t.Context(), &monitorv1.GetMonitorRequest{Name: name})
	must(t, err)
	return res.GetMonitor()
}

// results returns the last results of a monitor, the oldest first.
func (d deployment) results(t *testing.T, name string) []*monitorv1.Result {
	t.Helper()
	res, err := d.monitors().ListResults(t.Context(), &monitorv1.ListResultsRequest{Name: name, PageSize: 500})
	must(t, err)
	results := res.GetResults()
	slices.Reverse(results)
	return results
}

// firstResult waits for the first result of a monitor after a time that is as wanted.
func (d deployment) firstResult(t *testing.T, name string, after time.Time, wanted func(*monitorv1.Result) bool) *monitorv1.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		for _, r := range d.results(t, name) {
			if r.GetTime().AsTime().After(after) && wanted(r) {
				return r
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("%s has no such result: %v", name, d.monitor(t, name).GetStatus())
		}
		time.Sleep(50 * time.Millisecond) // between polls of another process
	}
}

// awaitUp waits until a monitor is up.
func (d deployment) awaitUp(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for d.monitor(t, name).GetStatus().GetState() != isUp {
		if ctx.Err() != nil {
			t.Fatalf("%s is not up: %v", name, d.monitor(t, name).GetStatus())
		}
		time.Sleep(50 * time.Millisecond) // between polls of another process
	}
}

// requireWithin requires that a result that changed the state was there within a time of a change, by
// the time and the latency of the result.
func requireWithin(t *testing.T, what string, change time.Time, r *monitorv1.Result, limit time.Duration) {
	t.Helper()
	took := r.GetTime().AsTime().Add(r.GetLatency().AsDuration()).Sub(change)
	t.Logf("%s after %s: %s", what, took.Round(time.Millisecond), r.GetMessage())
	if took > limit {
		t.Errorf("%s after %s, want at most %s: %v", what, took, limit, r)
	}
}

// callsWith returns the calls of the fake Slack whose body has a text.
func (d deployment) callsWith(t *testing.T, text string) (found []*mockupv1.Call) {
	t.Helper()
	for _, call := range d.calls(t) {
		if strings.Contains(call.GetBody(), text) {
			found = append(found, call)
		}
	}
	return found
}

// awaitMessage waits for a call of the fake Slack with a text.
func (d deployment) awaitMessage(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for len(d.callsWith(t, text)) == 0 {
		look(ctx, t)
	}
}

// messagesOf returns the messages of a monitor that users of Slack see.
func (d deployment) messagesOf(t *testing.T, name string) (found []*mockupv1.Message) {
	t.Helper()
	for _, m := range d.messages(t, "slack") {
		if strings.Contains(m.GetText(), name+" is ") {
			found = append(found, m)
		}
	}
	return found
}

// settle waits until everything that was to be sent before was sent.
func (d deployment) settle(t *testing.T) {
	t.Helper()
	d.ended(t, d.send(t, `{"target":["@user2"],"message":"the last one"}`).ID)
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for !d.areReported(t) {
		look(ctx, t)
	}
}

// areReported reports whether no delivery is queued or with a sender.
func (d deployment) areReported(t *testing.T) bool {
	t.Helper()
	_, answer := request(t, http.MethodGet, d.edge+"/v1/alerts?pageSize=500", "")
	var list struct {
		Alerts []struct{ DeliveryCounts struct{ Queued, Held int } }
	}
	must(t, json.Unmarshal([]byte(answer), &list))
	for _, a := range list.Alerts {
		if a.DeliveryCounts.Queued+a.DeliveryCounts.Held > 0 {
			return false
		}
	}
	return true
}

// alarmedOnce requires one alarm and one recovery of a monitor: one message that was made and then
// changed once.
func (d deployment) alarmedOnce(t *testing.T, name string) {
	t.Helper()
	down, up := d.callsWith(t, name+" is down"), d.callsWith(t, name+" is up again after ")
	if len(down) != 1 || len(up) != 1 {
		t.Errorf("%s: %d alarms and %d recoveries were sent, want one of each", name, len(down), len(up))
	}
	all := d.messagesOf(t, name)
	if len(all) != 1 || all[0].GetChangeCount() != 1 || !strings.Contains(all[0].GetText(), "resolved") {
		t.Errorf("%s: %v, want one message that was resolved", name, all)
	}
	if firing, resolved := d.alertsOf(t, name); firing != 1 || resolved != 1 {
		t.Errorf("%s: %d alerts and %d resolutions, want one of each", name, firing, resolved)
	}
}

// neverAlarmed requires that nobody was told of a monitor.
func (d deployment) neverAlarmed(t *testing.T, name string) {
	t.Helper()
	if all := d.callsWith(t, name+" is "); len(all) != 0 {
		t.Errorf("%s: %d messages were sent, want none: %v", name, len(all), all[0])
	}
	if firing, resolved := d.alertsOf(t, name); firing != 0 || resolved != 0 {
		t.Errorf("%s: %d alerts and %d resolutions, want none", name, firing, resolved)
	}
}

// alertsOf returns the number of alerts of a monitor.
func (d deployment) alertsOf(t *testing.T, name string) (firing, resolved int) {
	t.Helper()
	res, err := d.alerts().ListAlerts(t.Context(), &alertv1.ListAlertsRequest{PageSize: 500})
	must(t, err)
	for _, a := range res.GetAlerts() {
		switch {
		case a.GetKey() != fmt.Sprintf("monitor/%s", name):
		case a.GetStatus() == alertv1.AlertStatus_ALERT_STATUS_RESOLVED:
			resolved++
		default:
			firing++
		}
	}
	return firing, resolved
}
