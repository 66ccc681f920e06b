package alert_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"modernc.org/sqlite"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// sendAlerts sends the alerts of a caller, and returns a line and a result for each. key is that
// of the request.
func (h *serviceHarness) sendAlerts(t *testing.T, caller, key string, alerts ...*alertv1.SendAlertRequest) ([]string, []*alertv1.SendAlertsResult) {
	t.Helper()
	req := &alertv1.SendAlertsRequest{IdempotencyKey: key}
	for _, a := range alerts {
		req.Alerts = append(req.Alerts, proto.CloneOf(a))
	}
	ctx := t.Context()
	if caller != "" {
		ctx = auth.WithCaller(ctx, auth.Caller{ID: caller})
	}
	res, err := h.alerts.SendAlerts(ctx, req)
	must(t, err)
	if len(res.GetResults()) != len(alerts) {
		t.Fatalf("%d results for %d alerts", len(res.GetResults()), len(alerts))
	}
	var lines []string
	for _, r := range res.GetResults() {
		outcome := strings.ToLower(strings.TrimPrefix(r.GetOutcome().String(), "SEND_ALERTS_OUTCOME_"))
		if (r.GetId() == "") != (outcome == "refused") || (r.GetMessage() == "") == (outcome == "refused") {
			t.Errorf("%v", r)
		}
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprint(outcome, " ", strings.Join(r.GetUnknownTarget(), ","), " ", r.GetField(), " ", r.GetUserCount())), " "))
	}
	return lines, res.GetResults()
}

// TestSendAlertsOfCaller checks the result of each kind of alert: as SendAlert would record or
// refuse it, with the field, and without an effect on the others.
func TestSendAlertsOfCaller(t *testing.T) {
	h := newServiceHarness(t)
	alert := func(change func(*alertv1.SendAlertRequest)) *alertv1.SendAlertRequest {
		a := request("", "m", "@kim")
		change(a)
		return a
	}
	rows := []struct {
		want   string
		change func(*alertv1.SendAlertRequest)
	}{
		{"recorded 3", func(*alertv1.SendAlertRequest) {}},
		{"recorded @nobody 3", func(a *alertv1.SendAlertRequest) { a.Target = []string{"@kim", "@nobody"} }},
		{"recorded @nobody 0", func(a *alertv1.SendAlertRequest) { a.Target = []string{"@nobody"} }},
		{"recorded 1", func(a *alertv1.SendAlertRequest) { a.By = []string{"sms"} }},
		{"recorded 2", func(a *alertv1.SendAlertRequest) { a.By = []string{"sms", "slack"} }},
		{"recorded 0", func(a *alertv1.SendAlertRequest) { a.Target, a.By = []string{"@one"}, []string{"sms"} }},
		{"refused target 0", func(a *alertv1.SendAlertRequest) { a.Target = nil }},
		{"refused target[1] 0", func(a *alertv1.SendAlertRequest) { a.Target = []string{"@kim", "kim"} }},
		{"refused target 0", func(a *alertv1.SendAlertRequest) { a.Target = slices.Repeat([]string{"@kim"}, 1001) }},
		{"refused @nobody target 0", func(a *alertv1.SendAlertRequest) { a.Strict, a.Target = true, []string{"@kim", "@nobody"} }},
		{"refused severity 0", func(a *alertv1.SendAlertRequest) { a.Severity = "a\nb" }},
		{"refused message 0", func(a *alertv1.SendAlertRequest) { a.Message = "" }},
		{"refused message 0", func(a *alertv1.SendAlertRequest) { a.Message = strings.Repeat("봉", 20001) }},
		{"refused title 0", func(a *alertv1.SendAlertRequest) { a.Title = "a\nb" }},
		{"refused link 0", func(a *alertv1.SendAlertRequest) { a.Link = "javascript:1" }},
		{"refused details[1].name 0", func(a *alertv1.SendAlertRequest) { a.Details = []*alertv1.Detail{{Name: "a"}, {}} }},
		{"refused key 0", func(a *alertv1.SendAlertRequest) { a.Key = "\x1fa" }},
		{"refused key 0", func(a *alertv1.SendAlertRequest) { a.Status = alertv1.AlertStatus_ALERT_STATUS_RESOLVED }},
		{"refused status 0", func(a *alertv1.SendAlertRequest) { a.Status = 9 }},
		{"refused ttl 0", func(a *alertv1.SendAlertRequest) { a.Ttl = &durationpb.Duration{} }},
		{"refused idempotency_key 0", func(a *alertv1.SendAlertRequest) { a.IdempotencyKey = "a\x1eb" }},
		{"refused by 0", func(a *alertv1.SendAlertRequest) { a.By = []string{"fax"} }},
		{"refused by 0", func(a *alertv1.SendAlertRequest) { a.By = []string{"sms", "sms"} }},
		{"refused by[1] 0", func(a *alertv1.SendAlertRequest) { a.By = []string{"sms", "SMS"} }},
		{"recorded 3", func(*alertv1.SendAlertRequest) {}},
	}
	var alerts []*alertv1.SendAlertRequest
	var want []string
	for _, row := range rows {
		alerts, want = append(alerts, alert(row.change)), append(want, row.want)
	}
	got, results := h.sendAlerts(t, "", "", alerts...)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("alert %d is %q, want %q: %s", i, got[i], want[i], results[i].GetMessage())
		}
	}
	h.requireDeliveries(t, results[3].GetId(), "kim sms queued")
	all, err := h.alerts.ListAlerts(t.Context(), &alertv1.ListAlertsRequest{})
	must(t, err)
	if len(all.GetAlerts()) != 7 {
		t.Errorf("%d alerts are recorded", len(all.GetAlerts()))
	}
	shown, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: results[4].GetId()})
	must(t, err)
	if by := shown.GetAlert().GetBy(); !slices.Equal(by, []string{"sms", "slack"}) {
		t.Errorf("by is %q", by)
	}
}

// TestSendAlertsIdempotency checks the keys of alerts and of whole requests: of one caller,
// repeats return the first alert, and a changed alert is refused.
func TestSendAlertsIdempotency(t *testing.T) {
	h := newServiceHarness(t)
	other := request("", "other", "@kim")
	limited := request("k", "m", "@kim")
	limited.By = []string{"sms"}
	for i, step := range []struct {
		caller, key string
		alerts      []*alertv1.SendAlertRequest
		want        []string
	}{
		{"a", "", []*alertv1.SendAlertRequest{request("k", "m", "@kim"), request("k", "m", "@kim"), request("k", "n", "@kim"), limited}, []string{
			"recorded 3", "repeated 3", "refused idempotency_key 0", "refused idempotency_key 0",
		}},
		{"a", "", []*alertv1.SendAlertRequest{request("k", "m", "@kim"), request("", "m", "@kim")}, []string{"repeated 3", "recorded 3"}},
		{"a", "", []*alertv1.SendAlertRequest{request("", "m", "@kim")}, []string{"recorded 3"}},
		{"b", "", []*alertv1.SendAlertRequest{request("k", "m", "@kim")}, []string{"recorded 3"}},
		{"", "", []*alertv1.SendAlertRequest{request("k", "m", "@kim")}, []string{"recorded 3"}},
		{"a", "r", []*alertv1.SendAlertRequest{other, other, request("k", "m", "@kim")}, []string{"recorded 3", "recorded 3", "repeated 3"}},
		{"a", "r", []*alertv1.SendAlertRequest{other, other, request("k", "m", "@kim")}, []string{"repeated 3", "repeated 3", "repeated 3"}},
		{"a", "r", []*alertv1.SendAlertRequest{other, request("", "n", "@kim"), other}, []string{"repeated 3", "refused idempotency_key 0", "recorded 3"}},
		{"a", "", []*alertv1.SendAlertRequest{request("r", "m", "@kim")}, []string{"recorded 3"}},
		{"b", "r", []*alertv1.SendAlertRequest{other}, []string{"recorded 3"}},
	} {
		if got, _ := h.sendAlerts(t, step.caller, step.key, step.alerts...); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
	// One alert has one key, whichever method sends it.
	ctx := auth.WithCaller(t.Context(), auth.Caller{ID: "a"})
	first, err := h.alerts.SendAlert(ctx, request("single", "m", "@kim"))
	must(t, err)
	if got, results := h.sendAlerts(t, "a", "", request("single", "m", "@kim")); got[0] != "repeated 3" || results[0].GetId() != first.GetId() {
		t.Errorf("after SendAlert: %q, alert %s, want %s", got, results[0].GetId(), first.GetId())
	}
}

// TestSendAlertsThread checks that the alerts of one key follow each other: firing alerts in
// their order, and a resolved one that supersedes them.
func TestSendAlertsThread(t *testing.T) {
	h := newServiceHarness(t)
	of := func(key, message string) *alertv1.SendAlertRequest {
		a := request("", message, "@lee")
		a.Key, a.By = key, []string{"slack"}
		return a
	}
	resolved := of("db1", "up")
	resolved.Status = alertv1.AlertStatus_ALERT_STATUS_RESOLVED
	_, results := h.sendAlerts(t, "", "", of("db1", "down"), of("db2", "down"), of("db1", "still down"), resolved)
	h.requireDeliveries(t, results[0].GetId(), "lee slack canceled superseded")
	h.requireDeliveries(t, results[1].GetId(), "lee slack queued")
	h.requireDeliveries(t, results[2].GetId(), "lee slack canceled superseded")
	h.requireDeliveries(t, results[3].GetId(), "lee slack canceled not_needed")
}

// TestSendAlertsOfEvents checks that an event that comes again notifies once, whatever its rule
// makes of it, and that its keys are not those of intake.
func TestSendAlertsOfEvents(t *testing.T) {
	h := newServiceHarness(t)
	limited := request("rule/orders/1", "order 1 created", "@kim")
	limited.By = []string{"sms"}
	for _, step := range []struct {
		source string
		alert  *alertv1.SendAlertRequest
		want   string
	}{
		{"event", limited, "recorded 1"},
		{"event", limited, "repeated 1"},
		{"event", request("rule/orders/1", "order 1 was created", "@kim", "@lee"), "repeated 1"},
		{"event", request("rule/orders/2", "order 1 created", "@kim"), "recorded 3"},
		{"other", request("rule/orders/1", "order 1 created", "@kim"), "recorded 3"},
		{"event", request("rule/orders/3", "m", "@nobody"), "refused @nobody unknown_target target 0"},
	} {
		if got := h.sendAll(t, step.source, nil, step.alert); got[0] != step.want {
			t.Errorf("%s %v: %s, want %s", step.source, step.alert, got[0], step.want)
		}
	}
	unknown := request("rule/orders/4", "m", "@kim")
	unknown.By = []string{"fax"}
	if got := h.results(t, "event", nil, unknown)[0]; got.GetField() != "by" || got.GetReason() != "invalid_field" || !strings.Contains(got.GetMessage(), `"fax"`) {
		t.Errorf("%v", got)
	}
	list, err := h.alerts.ListAlerts(t.Context(), &alertv1.ListAlertsRequest{})
	must(t, err)
	if len(list.GetAlerts()) != 3 || list.GetAlerts()[2].GetMessage() != "order 1 created" {
		t.Errorf("a repeat changed an alert: %v", list.GetAlerts())
	}
	// A user without such an address is known: the alert is recorded for nobody.
	nobody := request("rule/orders/5", "m", "@one")
	nobody.By = []string{"sms"}
	if got := h.sendAll(t, "event", nil, nobody); got[0] != "recorded 0" {
		t.Errorf("by leaves nobody: %s", got[0])
	}
}

// commits counts the commits of SQLite databases whose path contains a key of it.
var commits sync.Map

// countCommits counts the commits of databases that are opened from now on.
func countCommits() {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, dsn string) error {
		commits.Range(func(path, count any) bool {
			if strings.Contains(dsn, path.(string)) {
				conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
					count.(*atomic.Int64).Add(1)
					return 0
				})
			}
			return true
		})
		return nil
	})
}

// TestSendAlertsCommits checks that the alerts of a request take one commit, with their
// idempotency keys, alert keys and repeats, unless they are many.
func TestSendAlertsCommits(t *testing.T) {
	h := newServiceHarness(t)
	path := filepath.Join(t.TempDir(), "counted.db")
	var count atomic.Int64
	commits.Store(path, &count)
	counted, err := ledger.Open(t.Context(), path, func() time.Time { return h.now })
	must(t, err)
	t.Cleanup(func() { must(t, counted.Close()) })
	h.alerts.Store = counted
	if count.Load() == 0 {
		t.Fatal("commits are not counted")
	}
	h.sendAlerts(t, "", "", request("", "the first takes ids", "@kim"))
	many := func(n int, change func(i int, a *alertv1.SendAlertRequest)) (alerts []*alertv1.SendAlertRequest) {
		for i := range n {
			a := request("", "m", "@kim")
			change(i, a)
			alerts = append(alerts, a)
		}
		return alerts
	}
	plain := func(int, *alertv1.SendAlertRequest) {}
	keyed := func(i int, a *alertv1.SendAlertRequest) {
		a.IdempotencyKey, a.Key = fmt.Sprint(i), fmt.Sprint(i%7)
	}
	for _, c := range []struct {
		name    string
		alerts  []*alertv1.SendAlertRequest
		commits int64
	}{
		{"a hundred", many(100, plain), 1},
		{"with keys", many(100, keyed), 1},
		{"repeated", many(100, keyed), 1},
		{"changed", many(100, func(i int, a *alertv1.SendAlertRequest) { keyed(i, a); a.Message = "n" }), 1},
		{"refused", many(100, func(_ int, a *alertv1.SendAlertRequest) { a.Message = "" }), 0},
		{"a thousand", many(1000, plain), 1}, // of 4000 rows
		{"two thousand rows too many", many(1000, func(_ int, a *alertv1.SendAlertRequest) { a.Target = []string{"@kim", "@lee", "@one"} }), 2}, // of 8000 rows
	} {
		before := count.Load()
		h.sendAlerts(t, "", "", c.alerts...)
		if got := count.Load() - before; got != c.commits {
			t.Errorf("%s: %d commits, want %d", c.name, got, c.commits)
		}
	}
	before := count.Load()
	if got := h.sendAll(t, "event", nil, many(300, func(i int, a *alertv1.SendAlertRequest) { a.IdempotencyKey = fmt.Sprint("rule/", i%200) })...); got[199] != "recorded 3" || got[200] != "repeated 3" {
		t.Errorf("events: %q", got)
	}
	if got := count.Load() - before; got != 1 {
		t.Errorf("events: %d commits, want 1", got)
	}
}
