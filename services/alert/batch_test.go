package alert_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// sendAll sends alerts of a source, and returns a line per result.
func (h *serviceHarness) sendAll(t *testing.T, source string, fallback []string, alerts ...*alertv1.SendAlertRequest) []string {
	t.Helper()
	var lines []string
	for _, r := range h.results(t, source, fallback, alerts...) {
		line := strings.ToLower(strings.TrimPrefix(r.GetOutcome().String(), "SEND_ALERTS_OUTCOME_"))
		if r.GetDefaultTarget() {
			line += " default"
		}
		if len(r.GetUnknownTarget()) > 0 {
			line += " " + strings.Join(r.GetUnknownTarget(), ",")
		}
		if r.GetReason() != "" {
			line += " " + r.GetReason() + " " + r.GetField()
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprint(line, " ", r.GetUserCount())))
	}
	return lines
}

// results sends alerts of a source. Those of events are sent once, whatever changes.
func (h *serviceHarness) results(t *testing.T, source string, fallback []string, alerts ...*alertv1.SendAlertRequest) []*jobv1.SendAlertsResult {
	t.Helper()
	req := &jobv1.SendAlertsRequest{Source: source, DefaultTarget: fallback, Once: source == job.EventSource}
	for _, a := range alerts {
		req.Alerts = append(req.Alerts, proto.CloneOf(a))
	}
	res, err := h.dispatch.SendAlerts(t.Context(), req)
	must(t, err)
	if len(res.GetResults()) != len(alerts) {
		t.Fatalf("%d results for %d alerts", len(res.GetResults()), len(alerts))
	}
	return res.GetResults()
}

func request(key, message string, targets ...string) *alertv1.SendAlertRequest {
	return &alertv1.SendAlertRequest{Target: targets, Message: message, IdempotencyKey: key}
}

// TestSendAlertsEach proves that each alert of a batch has its own result.
func TestSendAlertsEach(t *testing.T) {
	h := newServiceHarness(t)
	spaced, nameless := request("5", "m", "@kim"), request("6", "m", "@kim")
	spaced.Link, nameless.Details = "https://a.example/a b", []*alertv1.Detail{{Name: "a"}, {}}
	strict := request("8", "m", "@kim", "@nobody")
	strict.Strict = true
	alerts := []*alertv1.SendAlertRequest{
		request("1", "m", "@kim"), request("2", "m", "@nobody"), request("3", "m"), request("4", "m", "@kim", "@nobody"),
		spaced, nameless, request("7", "", "@kim"), strict, request("9", "m", "kim"),
	}
	want := []string{
		"recorded 3", "recorded default @nobody 2", "recorded default 2", "recorded @nobody 3",
		"refused invalid_field link 0", "refused invalid_field details[1].name 0", "refused invalid_field message 0",
		"refused @nobody unknown_target target 0", "recorded default kim 2",
	}
	if got := h.sendAll(t, "a", []string{"@lee"}, alerts...); !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	for i, line := range want {
		if !strings.HasPrefix(line, "refused") {
			want[i] = strings.Replace(line, "recorded", "repeated", 1)
		}
	}
	if got := h.sendAll(t, "a", []string{"@lee"}, alerts...); !slices.Equal(got, want) {
		t.Errorf("repeated: got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if got := h.sendAll(t, "b", nil, request("1", "m", "@nobody"), request("2", "m"), request("3", "m", "@kim")); !slices.Equal(got, []string{
		"refused @nobody unknown_target target 0", "refused no_target target 0", "recorded 3",
	}) {
		t.Errorf("without default targets: %q", got)
	}
	// A refusal stores no idempotency key: with default targets the same alert is
	// recorded.
	if got := h.sendAll(t, "b", []string{"@kim"}, request("1", "m", "@nobody")); !slices.Equal(got, []string{"recorded default @nobody 3"}) {
		t.Errorf("after a refusal: %q", got)
	}
}

// TestSendAlertsKeys proves that idempotency keys are scoped by source, apart from those
// of callers, and that a changed alert under a key is recorded.
func TestSendAlertsKeys(t *testing.T) {
	h := newServiceHarness(t)
	_, err := h.alerts.SendAlert(t.Context(), request("k", "occupied", "@kim"))
	must(t, err)
	for _, step := range []struct{ source, message, want string }{
		{"a", "90 %", "recorded 3"},
		{"b", "90 %", "recorded 3"},
		{"a", "90 %", "repeated 3"},
		{"a", "99 %", "changed 3"},
		{"a", "99 %", "repeated 3"},
		{"a", "90 %", "repeated 3"},
		{"b", "99 %", "changed 3"},
	} {
		if got := h.sendAll(t, step.source, nil, request("k", step.message, "@kim")); got[0] != step.want {
			t.Errorf("%s %s: %s, want %s", step.source, step.message, got[0], step.want)
		}
	}
	if _, err := h.alerts.SendAlert(t.Context(), request("k", "another", "@kim")); !errors.Is(err, fault.ErrExists) {
		t.Errorf("under the key of the caller: %v", err)
	}
	if got := h.sendAll(t, "a", nil, request("", "m", "@kim"), request("", "m", "@kim")); !slices.Equal(got, []string{"recorded 3", "recorded 3"}) {
		t.Errorf("without keys: %q", got)
	}
}

// TestSendAlertsOrder proves that alerts with one alert key are recorded in order.
func TestSendAlertsOrder(t *testing.T) {
	h := newServiceHarness(t)
	var alerts []*alertv1.SendAlertRequest
	for i := range 300 {
		a := request(fmt.Sprint(i), fmt.Sprint(i), "@kim")
		a.Key = fmt.Sprint("key", i%3)
		alerts = append(alerts, a)
	}
	last := map[string]string{}
	for i, r := range h.results(t, "a", nil, alerts...) {
		key := alerts[i].GetKey()
		if id := fmt.Sprintf("%020s", r.GetId()); id <= last[key] {
			t.Fatalf("alert %d has id %s, after %s", i, id, last[key])
		} else {
			last[key] = id
		}
	}
}

// An unavailableDirectory is unavailable for one target.
type unavailableDirectory struct {
	alert.Directory
	target string
}

func (d *unavailableDirectory) LookUp(ctx context.Context, targets target.List) (alert.LookupResult, error) {
	if slices.Contains(targets.Texts, d.target) {
		return alert.LookupResult{}, fault.Unavailablef("directory unavailable; try again")
	}
	return d.Directory.LookUp(ctx, targets)
}

// A failingStore is a store whose calls of AddAlerts fail from a call on.
type failingStore struct {
	alert.AlertStore
	from int // 0 for none
	call int
}

func (s *failingStore) AddAlerts(ctx context.Context, adds []alert.Addition) ([]alert.AddResult, error) {
	if s.call++; s.from > 0 && s.call >= s.from {
		return nil, fault.Unavailablef("the ledger is unavailable; try again")
	}
	return s.AlertStore.AddAlerts(ctx, adds)
}

// TestSendAlertsUnavailable proves that a batch that fails can be retried: nothing is recorded
// if the directory is unavailable, and the alerts of earlier commits are duplicates if the
// ledger is.
func TestSendAlertsUnavailable(t *testing.T) {
	h := newServiceHarness(t)
	away := &unavailableDirectory{h.alerts.Directory, "@lee"}
	h.alerts.Directory = away
	alerts := []*alertv1.SendAlertRequest{request("1", "m", "@kim"), request("2", "m", "@lee"), request("3", "m", "@one")}
	unavailable := func(alerts []*alertv1.SendAlertRequest) {
		t.Helper()
		req := &jobv1.SendAlertsRequest{Source: "a"}
		for _, a := range alerts {
			req.Alerts = append(req.Alerts, proto.CloneOf(a))
		}
		if res, err := h.dispatch.SendAlerts(t.Context(), req); !errors.Is(err, fault.ErrUnavailable) || res != nil {
			t.Fatalf("result is %v, error %v", res, err)
		}
	}
	unavailable(alerts)
	away.target = ""
	if got := h.sendAll(t, "a", nil, alerts...); !slices.Equal(got, []string{"recorded 3", "recorded 2", "recorded 2"}) {
		t.Errorf("%q", got)
	}

	many := make([]*alertv1.SendAlertRequest, 3000) // of 4 rows each: three commits
	for i := range many {
		many[i] = request(fmt.Sprint("many", i), "m", "@kim")
	}
	store := &failingStore{AlertStore: h.ledger, from: 2}
	h.alerts.Store = store
	unavailable(many)
	store.from = 0
	got := h.sendAll(t, "a", nil, many...)
	repeated := slices.Index(got, "recorded 3")
	if repeated != 1250 || slices.Contains(got[:repeated], "recorded 3") || slices.Contains(got[repeated:], "repeated 3") {
		t.Errorf("%d alerts are repeated", repeated)
	}
	if store.call != 5 {
		t.Errorf("%d commits, want 2 and 3", store.call)
	}
}
