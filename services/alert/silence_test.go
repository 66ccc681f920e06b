package alert_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/silence"
	"github.com/bongsu-project/bongsu/services/alert"
)

// silenceOf returns a silence for an hour.
func silenceOf(t testing.TB, id int64, start time.Time, matchers ...string) alert.Silence {
	t.Helper()
	ms, err := silence.Parse(matchers)
	must(t, err)
	return alert.Silence{ID: id, Matchers: ms, Start: start, End: start.Add(time.Hour)}
}

// silenceAlerts replaces the silences of the service.
func (h *serviceHarness) silenceAlerts(silences ...alert.Silence) {
	if h.alerts.Silences == nil {
		h.alerts.Silences = new(alert.SilenceSet)
	}
	h.alerts.Silences.Replace(silences)
}

// requireSilence checks the silence of an alert, and its deliveries.
func (h *serviceHarness) requireSilence(t *testing.T, id, silence string, want ...string) []*alertv1.Delivery {
	t.Helper()
	res, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: id})
	must(t, err)
	if got := res.GetAlert().GetSilenceId(); got != silence {
		t.Errorf("the silence is %q, want %q", got, silence)
	}
	return h.requireDeliveries(t, id, want...)
}

// TestSilenced checks that the deliveries of a silenced alert are canceled, those of a failover
// chain too, and that a delivery that failed already keeps its reason.
func TestSilenced(t *testing.T) {
	h := newServiceHarness(t)
	h.silenceAlerts(silenceOf(t, 7, h.now, `key="other"`), silenceOf(t, 8, h.now, `key=~"disk.*"`), silenceOf(t, 9, h.now, `key="disk"`))
	send := func(a *alertv1.SendAlertRequest) string {
		t.Helper()
		res, err := h.alerts.SendAlert(t.Context(), a)
		must(t, err)
		return res.GetId()
	}
	id := send(&alertv1.SendAlertRequest{Target: []string{"@kim", "@lee"}, Message: "m", Key: "disk"})
	h.requireSilence(t, id, "8", "kim slack canceled silenced", "kim pigeon failed unknown_messenger", "kim sms canceled silenced", "lee sms canceled silenced", "lee slack canceled silenced")
	if due := h.dueMessengers(t); len(due) != 0 {
		t.Errorf("jobs by %q are due", due)
	}
	h.requireSilence(t, send(request("", "m", "@lee")), "", "lee sms queued", "lee slack held 1m0s")

	shown, err := h.alerts.ListAlerts(t.Context(), &alertv1.ListAlertsRequest{})
	must(t, err)
	if got := shown.GetAlerts()[1]; got.GetSilenceId() != "8" || got.GetDeliveryCounts().GetCanceled() != 4 {
		t.Errorf("%v", got)
	}
}

// TestSilencedCounts checks that each recorded delivery that is silenced is counted, by its
// messenger, and those of a duplicate are not.
func TestSilencedCounts(t *testing.T) {
	h := newServiceHarness(t)
	counts := map[string]int{}
	h.alerts.Silenced = func(messenger string) { counts[messenger]++ }
	h.silenceAlerts(silenceOf(t, 8, h.now, `severity="low"`))
	low := request("one", "m", "@kim", "@lee")
	low.Severity = "low"
	for range 2 {
		_, err := h.alerts.SendAlert(t.Context(), low)
		must(t, err)
	}
	want := map[string]int{"slack": 2, "sms": 2} // pigeon fails
	if !maps.Equal(counts, want) {
		t.Errorf("counts %v, want %v", counts, want)
	}
	h.send(t, false, "@lee")
	for range 2 {
		batched := request("two", "m", "@kim", "@lee")
		batched.Severity = "low"
		h.sendAlerts(t, "", "", batched, request("three", "m", "@lee"))
	}
	if want := map[string]int{"slack": 4, "sms": 4}; !maps.Equal(counts, want) {
		t.Errorf("with batches: counts %v, want %v", counts, want)
	}
}

// TestSilencedTime checks that a silence applies from its begin until before its end.
func TestSilencedTime(t *testing.T) {
	h := newServiceHarness(t)
	start := h.now
	h.silenceAlerts(silenceOf(t, 8, start, `severity="low"`))
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{-time.Microsecond, ""}, {0, "8"}, {time.Hour - time.Microsecond, "8"}, {time.Hour, ""}} {
		h.now = start.Add(c.after)
		res, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@lee"}, Message: "m", Severity: "low", By: []string{"sms"}})
		must(t, err)
		state := map[string]string{"": "lee sms queued", "8": "lee sms canceled silenced"}[c.want]
		h.requireSilence(t, res.GetId(), c.want, state)
	}
}

// TestSilencedResolution checks that a resolved alert is not silenced: it is sent to those who were
// notified before the silence.
func TestSilencedResolution(t *testing.T) {
	h := newServiceHarness(t)
	alertOf := func(status alertv1.AlertStatus) *alertv1.SendAlertRequest {
		return &alertv1.SendAlertRequest{Target: []string{"@lee"}, Message: "m", Key: "k", By: []string{"sms"}, Status: status}
	}
	fired, err := h.alerts.SendAlert(t.Context(), alertOf(alertv1.AlertStatus_ALERT_STATUS_FIRING))
	must(t, err)
	h.attempt(t, h.requireDeliveries(t, fired.GetId(), "lee sms queued")[0], sent)
	h.silenceAlerts(silenceOf(t, 8, h.now, `key="k"`))
	again, err := h.alerts.SendAlert(t.Context(), alertOf(alertv1.AlertStatus_ALERT_STATUS_FIRING))
	must(t, err)
	h.requireSilence(t, again.GetId(), "8", "lee sms canceled silenced")
	acknowledged, err := h.alerts.SendAlert(t.Context(), alertOf(alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED))
	must(t, err)
	h.attempt(t, h.requireSilence(t, acknowledged.GetId(), "", "lee sms queued")[0], sent)
	resolved, err := h.alerts.SendAlert(t.Context(), alertOf(alertv1.AlertStatus_ALERT_STATUS_RESOLVED))
	must(t, err)
	h.requireSilence(t, resolved.GetId(), "", "lee sms queued")
}

// TestSilencedBatches checks that alerts of batches, of intake and of events are silenced, by their
// fields too that SendAlert does not have.
func TestSilencedBatches(t *testing.T) {
	h := newServiceHarness(t)
	h.silenceAlerts(
		silenceOf(t, 1, h.now, `source="grafana"`, `key="k"`), silenceOf(t, 2, h.now, `source="event"`),
		silenceOf(t, 3, h.now, `severity="low"`, `host=~"db\\d"`), silenceOf(t, 4, h.now, `target="@one"`, `source=""`),
	)
	alertOf := func(change func(*alertv1.SendAlertRequest)) *alertv1.SendAlertRequest {
		a := request("", "m", "@lee")
		a.By = []string{"sms"}
		change(a)
		return a
	}
	hosts := func(severity, host string) *alertv1.SendAlertRequest {
		return alertOf(func(a *alertv1.SendAlertRequest) {
			a.Severity, a.Details = severity, []*alertv1.Detail{{Name: "host", Value: host}}
		})
	}
	keyed := alertOf(func(a *alertv1.SendAlertRequest) { a.Key = "k" })
	plain := alertOf(func(*alertv1.SendAlertRequest) {})
	one := alertOf(func(a *alertv1.SendAlertRequest) { a.Target, a.By = []string{"@one"}, []string{"slack"} })

	_, results := h.sendAlerts(t, "", "", hosts("low", "db1"), hosts("low", "web1"), hosts("high", "db1"), keyed, one)
	var got []string
	for _, r := range results {
		got = append(got, r.GetId())
	}
	for _, r := range h.results(t, "grafana", nil, keyed, plain, hosts("low", "db2"), one) {
		got = append(got, r.GetId())
	}
	got = append(got, h.results(t, job.EventSource, nil, plain)[0].GetId())
	for i, want := range []string{"3", "", "", "", "4", "1", "", "3", "", "2"} {
		res, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: got[i]})
		must(t, err)
		if res.GetAlert().GetSilenceId() != want || (res.GetDeliveries()[0].GetReason() == alert.Silenced) != (want != "") {
			t.Errorf("alert %d: %v", i, res)
		}
	}
	if res, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: got[5]}); err != nil || res.GetAlert().GetSource() != "grafana" {
		t.Errorf("%v, %v", res, err)
	}
}

// TestSilencedReplay checks that a silenced delivery can be replayed while its silence applies.
func TestSilencedReplay(t *testing.T) {
	h := newServiceHarness(t)
	h.alerts.Hub = alert.NewHub(h.ledger, 0, slog.New(slog.DiscardHandler))
	h.silenceAlerts(silenceOf(t, 8, h.now, `target="@lee"`))
	id := h.send(t, false, "@lee")
	ds := h.requireSilence(t, id, "8", "lee sms canceled silenced", "lee slack canceled silenced")
	res, err := h.alerts.ReplayDeliveries(t.Context(), &alertv1.ReplayDeliveriesRequest{DeliveryIds: []string{ds[0].GetId()}})
	must(t, err)
	more, err := h.alerts.ReplayDeliveries(t.Context(), &alertv1.ReplayDeliveriesRequest{Filter: &alertv1.ReplayFilter{AlertId: id, Reason: alert.Silenced}})
	must(t, err)
	if res.GetReplayedCount() != 1 || more.GetReplayedCount() != 1 {
		t.Errorf("%v, %v", res, more)
	}
	h.requireSilence(t, id, "8", "lee sms queued", "lee slack queued")
}

// A feed is a SilenceFeed and its service, whose results the test sends.
type feed struct {
	asked   chan int64
	results chan feedResult
}

type feedResult struct {
	snapshot alert.SilenceSnapshot
	err      error
}

func (f feed) Silences(ctx context.Context, revision int64) (alert.SilenceSnapshot, error) {
	select {
	case f.asked <- revision:
	case <-ctx.Done():
		return alert.SilenceSnapshot{}, ctx.Err()
	}
	select {
	case r := <-f.results:
		return r.snapshot, r.err
	case <-ctx.Done():
		return alert.SilenceSnapshot{}, ctx.Err()
	}
}

// TestSilenceFollower checks that the set follows its feed, and keeps its silences while the feed is
// unavailable, or has the same revision.
func TestSilenceFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := feed{make(chan int64), make(chan feedResult)}
		set := new(alert.SilenceSet)
		ended := make(chan error, 1)
		follower := &alert.SilenceFollower{Feed: f, Set: set, Log: slog.New(slog.DiscardHandler)}
		go func() { ended <- follower.Run(ctx) }()
		now := time.Now()
		find := func() int64 { return set.Find(alert.Alert{Severity: "low", CreateTime: now}) }
		one, two := silenceOf(t, 1, now, `severity="low"`), silenceOf(t, 2, now, `severity="low"`)
		for _, step := range []struct {
			asked  int64
			result feedResult
			found  int64
		}{
			{0, feedResult{err: errors.New("unavailable")}, 0},
			{0, feedResult{snapshot: alert.SilenceSnapshot{Revision: 5, Silences: []alert.Silence{one}}}, 1},
			{5, feedResult{snapshot: alert.SilenceSnapshot{Revision: 5}}, 1},
			{5, feedResult{err: errors.New("unavailable")}, 1},
			{5, feedResult{err: errors.New("unavailable")}, 1},
			{5, feedResult{snapshot: alert.SilenceSnapshot{Revision: 4, Silences: []alert.Silence{two}}}, 2},
			{4, feedResult{snapshot: alert.SilenceSnapshot{Revision: 6}}, 0},
		} {
			before := time.Now()
			if asked := <-f.asked; asked != step.asked || time.Since(before) > 2*time.Second {
				t.Errorf("asked for changes after %d in %s, want %d", asked, time.Since(before), step.asked)
			}
			f.results <- step.result
			synctest.Wait()
			if found := find(); found != step.found {
				t.Errorf("%+v: found %d", step, found)
			}
		}
		cancel()
		must(t, <-ended)
	})
}

// A silenceService is a SilenceFeedService with one response.
type silenceService struct {
	response *incidentv1.ListActiveSilencesResponse
}

func (s silenceService) ListActiveSilences(_ context.Context, req *incidentv1.ListActiveSilencesRequest) (*incidentv1.ListActiveSilencesResponse, error) {
	if req.GetRevision() != 3 {
		return nil, errors.New("wrong revision")
	}
	return s.response, nil
}

// TestSilenceClient checks that a silence that cannot be parsed does not affect the others, and
// applies to nothing.
func TestSilenceClient(t *testing.T) {
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	wire := func(id string, matchers ...string) *incidentv1.Silence {
		return &incidentv1.Silence{Id: id, Matchers: matchers, StartTime: timestamppb.New(start), EndTime: timestamppb.New(start.Add(time.Hour))}
	}
	client := alert.SilenceClient{Log: slog.New(slog.DiscardHandler), Service: silenceService{&incidentv1.ListActiveSilencesResponse{
		Revision: 4, Silences: []*incidentv1.Silence{wire("1", `a=`, `b!"`), wire("2"), wire("x", `a="1"`), wire("0", `a="1"`), wire("5", `a="1"`, `b!="2"`)},
	}}}
	snapshot, err := client.Silences(t.Context(), 3)
	must(t, err)
	if snapshot.Revision != 4 || len(snapshot.Silences) != 1 {
		t.Fatalf("%+v", snapshot)
	}
	s := snapshot.Silences[0]
	if s.ID != 5 || !slices.Equal(s.Matchers.Strings(), []string{`a="1"`, `b!="2"`}) || !s.Start.Equal(start) || !s.End.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v", s)
	}
}

// TestSilencedRepeat checks that a repeat of a silenced alert notifies those who were not notified
// because of the silence, and nobody else.
func TestSilencedRepeat(t *testing.T) {
	h := newServiceHarness(t)
	h.alerts.IncidentSettings = alert.IncidentSettings{RepeatAfter: time.Hour, RepeatFields: []string{"message"}, FlapWindow: time.Minute}
	send := func(severity string) string {
		t.Helper()
		res, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@lee"}, By: []string{"sms"}, Message: "m", Key: "k", Severity: severity})
		must(t, err)
		return res.GetId()
	}
	h.attempt(t, h.requireSilence(t, send("low"), "", "lee sms queued")[0], sent)
	h.requireSilence(t, send("low"), "", "lee sms canceled repeated")

	h.silenceAlerts(silenceOf(t, 8, h.now, `key="k"`))
	h.requireSilence(t, send("low"), "8", "lee sms canceled silenced")
	h.requireSilence(t, send("critical"), "8", "lee sms canceled silenced")
	h.silenceAlerts()
	h.attempt(t, h.requireSilence(t, send("critical"), "", "lee sms queued")[0], sent) // repeats a state of which nobody was notified
	h.requireSilence(t, send("critical"), "", "lee sms canceled repeated")
}
