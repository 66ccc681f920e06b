package incident_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
	"github.com/bongsu-project/bongsu/services/incident/store"
)

// silences are the services of silences on a store.
type silences struct {
	*incident.SilenceHandler
	feed *incident.SilenceFeedHandler
	now  time.Time
	stop chan struct{}
	list *alertList
}

func newSilences(t *testing.T) *silences {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "incident.db"))
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, s.Close()) })
	all := &silences{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), stop: make(chan struct{}), list: &alertList{}}
	now := func() time.Time { return all.now }
	hub := incident.NewSilenceHub(s, false, all.stop)
	all.SilenceHandler = &incident.SilenceHandler{Silences: s, Hub: hub, Alerts: incident.AlertListClient{Service: all.list}, Now: now}
	all.feed = &incident.SilenceFeedHandler{Silences: s, Hub: hub, Now: now}
	return all
}

// request returns the request of a silence that begins and ends so long after now.
func (s *silences) request(start, end time.Duration, matchers ...string) *incidentv1.CreateSilenceRequest {
	return &incidentv1.CreateSilenceRequest{
		Matchers: matchers, Reason: "maintenance", StartTime: timestamppb.New(s.now.Add(start)), EndTime: timestamppb.New(s.now.Add(end)),
	}
}

// create creates a silence.
func (s *silences) create(t *testing.T, start, end time.Duration) *incidentv1.Silence {
	t.Helper()
	res, err := s.CreateSilence(t.Context(), s.request(start, end, `severity=low`))
	kittest.NoError(t, err)
	return res.GetSilence()
}

// An alertList is an AlertService with alerts, the newest first, in pages of at most 3.
type alertList struct {
	alerts   []*alertv1.Alert
	requests []*alertv1.ListAlertsRequest
	err      error
}

func (l *alertList) ListAlerts(_ context.Context, req *alertv1.ListAlertsRequest) (*alertv1.ListAlertsResponse, error) {
	l.requests = append(l.requests, &alertv1.ListAlertsRequest{PageSize: req.GetPageSize(), CreateTimeFrom: req.GetCreateTimeFrom()})
	skip, _ := strconv.Atoi(req.GetPageToken())
	page := l.alerts[skip:min(skip+min(3, int(req.GetPageSize())), len(l.alerts))]
	res := &alertv1.ListAlertsResponse{Alerts: page}
	if next := skip + len(page); next < len(l.alerts) {
		res.NextPageToken = strconv.Itoa(next)
	}
	return res, l.err
}

// TestCreateSilence checks the silence that is stored: matchers in their canonical form, and a begin
// that is not in the past.
func TestCreateSilence(t *testing.T) {
	s := newSilences(t)
	res, err := s.CreateSilence(t.Context(), s.request(-time.Hour, time.Hour, `severity=low`, ` host =~ "db\d+" `))
	kittest.NoError(t, err)
	got := res.GetSilence()
	kittest.Equal(t, got.GetMatchers(), []string{`severity="low"`, `host=~"db\\d+"`})
	kittest.Equal(t, []any{got.GetStartTime().AsTime(), got.GetCreateTime().AsTime(), got.GetEndTime().AsTime()}, []any{s.now, s.now, s.now.Add(time.Hour)})
	kittest.Equal(t, []any{got.GetReason(), got.GetAuthor(), got.GetState()}, []any{"maintenance", "", incidentv1.SilenceState_SILENCE_STATE_ACTIVE})
	shown, err := s.GetSilence(t.Context(), &incidentv1.GetSilenceRequest{Id: got.GetId()})
	kittest.NoError(t, err)
	kittest.Equal(t, shown.GetSilence().String(), got.String())

	later := s.create(t, time.Minute, time.Hour)
	kittest.Equal(t, []any{later.GetState(), later.GetStartTime().AsTime()}, []any{incidentv1.SilenceState_SILENCE_STATE_PENDING, s.now.Add(time.Minute)})
	kittest.Equal(t, s.create(t, 0, 366*24*time.Hour).GetState(), incidentv1.SilenceState_SILENCE_STATE_ACTIVE)
}

// TestCreateSilenceErrors checks the field and the text of each error, and that nothing is stored.
func TestCreateSilenceErrors(t *testing.T) {
	s := newSilences(t)
	long := slices.Repeat([]string{`host="` + strings.Repeat("x", 900) + `"`}, 5)
	for _, c := range []struct {
		start, end    time.Duration
		matchers      []string
		field, reason string
	}{
		{0, 0, []string{`a="1"`}, "end_time", "has passed"},
		{time.Hour, time.Hour, []string{`a="1"`}, "end_time", "after start_time"},
		{0, 366*24*time.Hour + time.Microsecond, []string{`a="1"`}, "end_time", "a year"},
		{0, time.Hour, []string{`a="1"`, `b~`}, "matchers[1]", "invalid matcher"},
		{0, time.Hour, long, "matchers", "at most 4000 bytes"},
		{0, time.Hour, []string{`key=~".*"`}, "matchers", "too broad"},
	} {
		req := s.request(c.start, c.end, c.matchers...)
		_, err := s.CreateSilence(t.Context(), req)
		fields := fault.Fields(err)
		if !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != c.field || !strings.Contains(fields[0].Problem, c.reason) {
			t.Errorf("%q: %v, %+v", c.matchers, err, fields)
		}
	}
	all, err := s.ListSilences(t.Context(), &incidentv1.ListSilencesRequest{Expired: true})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all.GetSilences()), 0)

	req := s.request(0, time.Hour, `key=~".*"`)
	req.Force = true
	kittest.NoError(t, kittest.ErrorOf(s.CreateSilence(t.Context(), req)))
}

// TestSilenceAuthor checks that a caller with credentials is the author, and can name nobody else.
func TestSilenceAuthor(t *testing.T) {
	s := newSilences(t)
	kim := auth.WithCaller(t.Context(), auth.Caller{ID: "key 1", Name: "ops", Nickname: "kim"})
	for _, c := range []struct {
		ctx          context.Context
		author, want string
	}{{t.Context(), "lee", "lee"}, {t.Context(), "", ""}, {kim, "", "kim"}, {kim, "kim", "kim"}, {kim, "lee", "error"}} {
		req := s.request(0, time.Hour, `severity=low`)
		req.Author = c.author
		res, err := s.CreateSilence(c.ctx, req)
		got := res.GetSilence().GetAuthor()
		if fields := fault.Fields(err); errors.Is(err, fault.ErrInvalid) && len(fields) == 1 && fields[0].Path == "author" {
			got = "error"
		} else {
			kittest.NoError(t, err)
		}
		if got != c.want {
			t.Errorf("author %q: %q, want %q", c.author, got, c.want)
		}
	}
}

// TestListSilences checks the order, the pages, and for how long ended silences are returned.
func TestListSilences(t *testing.T) {
	s := newSilences(t)
	var ids []string
	for _, end := range []time.Duration{time.Hour, 3 * time.Hour, 2 * time.Hour, 2 * time.Hour} {
		ids = append(ids, s.create(t, 0, end).GetId())
	}
	list := func(req *incidentv1.ListSilencesRequest) (got []string, next string) {
		t.Helper()
		res, err := s.ListSilences(t.Context(), req)
		kittest.NoError(t, err)
		for _, silence := range res.GetSilences() {
			got = append(got, silence.GetId())
		}
		return got, res.GetNextPageToken()
	}
	got, next := list(&incidentv1.ListSilencesRequest{PageSize: 2})
	kittest.Equal(t, got, []string{ids[1], ids[3]})
	got, next = list(&incidentv1.ListSilencesRequest{PageSize: 2, PageToken: next})
	kittest.Equal(t, []any{got, next}, []any{[]string{ids[2], ids[0]}, ""})
	start := s.now
	for _, c := range []struct {
		after   time.Duration
		expired bool
		want    []string
	}{
		{time.Hour, false, []string{ids[1], ids[3], ids[2]}},
		{time.Hour, true, []string{ids[1], ids[3], ids[2], ids[0]}},
		{2*time.Hour + 30*24*time.Hour, true, []string{ids[1]}},
		{2*time.Hour + 30*24*time.Hour, false, nil},
	} {
		s.now = start.Add(c.after)
		got, _ := list(&incidentv1.ListSilencesRequest{Expired: c.expired})
		kittest.Equal(t, got, c.want)
	}
	for _, token := range []string{"x", "1", "1.", "1.-1", "1.2x", "01.2"} {
		_, err := s.ListSilences(t.Context(), &incidentv1.ListSilencesRequest{PageToken: token})
		kittest.Error(t, err, fault.ErrInvalid, "page_token")
	}
}

// TestExpireSilence checks that a silence ends now, and stays as it is when it has ended.
func TestExpireSilence(t *testing.T) {
	s := newSilences(t)
	created := s.create(t, 0, time.Hour)
	s.now = s.now.Add(time.Minute)
	ended := s.now
	for range 2 {
		res, err := s.ExpireSilence(t.Context(), &incidentv1.ExpireSilenceRequest{Id: created.GetId()})
		kittest.NoError(t, err)
		kittest.Equal(t, []any{res.GetSilence().GetEndTime().AsTime(), res.GetSilence().GetState()}, []any{ended, incidentv1.SilenceState_SILENCE_STATE_EXPIRED})
		s.now = s.now.Add(time.Minute)
	}
	kittest.Error(t, kittest.ErrorOf(s.ExpireSilence(t.Context(), &incidentv1.ExpireSilenceRequest{Id: "99"})), fault.ErrNotFound, "silence 99")
	kittest.Error(t, kittest.ErrorOf(s.GetSilence(t.Context(), &incidentv1.GetSilenceRequest{Id: "99"})), fault.ErrNotFound, "silence 99")
}

// TestPreviewSilence checks which alerts are compared and counted, over several pages, and which of
// their values are shown.
func TestPreviewSilence(t *testing.T) {
	s := newSilences(t)
	for i := range 30 {
		a := &alertv1.Alert{
			Id: strconv.Itoa(100 - i), Severity: "low", Key: "disk", Source: "grafana", Target: []string{"@kim"}, Message: strings.Repeat("봉", 300),
			Status: alertv1.AlertStatus_ALERT_STATUS_FIRING, Details: []*alertv1.Detail{{Name: "host", Value: "db1"}}, CreateTime: timestamppb.New(s.now),
		}
		switch i {
		case 0:
			a.Severity = "high"
		case 1:
			a.Status = alertv1.AlertStatus_ALERT_STATUS_RESOLVED
		case 2:
			a.Status = alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED
		}
		s.list.alerts = append(s.list.alerts, a)
	}
	res, err := s.PreviewSilence(t.Context(), &incidentv1.PreviewSilenceRequest{Matchers: []string{`severity="low"`, `source=grafana`, `target="@kim"`, `host=db1`, `key=disk`}})
	kittest.NoError(t, err)
	kittest.Equal(t, []any{res.GetAlertCount(), res.GetTotalCount(), len(res.GetAlerts()), res.GetBroad()}, []any{int64(27), int64(28), 20, ""})
	first := res.GetAlerts()[0]
	kittest.Equal(t, []any{first.GetId(), first.GetKey(), first.GetSeverity(), first.GetMessage(), first.GetCreateTime().AsTime()},
		[]any{"97", "disk", "low", strings.Repeat("봉", 200), s.now})
	kittest.Equal(t, []any{len(s.list.requests), s.list.requests[0].GetCreateTimeFrom().AsTime(), s.list.requests[0].GetPageSize()}, []any{10, s.now.Add(-24 * time.Hour), int32(500)})
	all, err := s.ListSilences(t.Context(), &incidentv1.ListSilencesRequest{Expired: true})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all.GetSilences()), 0)

	res, err = s.PreviewSilence(t.Context(), &incidentv1.PreviewSilenceRequest{Matchers: []string{`rack=""`}})
	kittest.NoError(t, err)
	kittest.Equal(t, []any{res.GetAlertCount(), res.GetBroad()}, []any{int64(28), `rack="" matches the empty value`})

	s.list.alerts = slices.Repeat(s.list.alerts[:1], 10_001)
	res, err = s.PreviewSilence(t.Context(), &incidentv1.PreviewSilenceRequest{Matchers: []string{`severity="high"`}})
	kittest.NoError(t, err)
	kittest.Equal(t, []any{res.GetAlertCount(), res.GetTotalCount()}, []any{int64(10_000), int64(10_000)})
	s.list.err = fault.Unavailablef("no ledger")
	kittest.Error(t, kittest.ErrorOf(s.PreviewSilence(t.Context(), &incidentv1.PreviewSilenceRequest{Matchers: []string{`a=1`}})), fault.ErrUnavailable)
	kittest.Error(t, kittest.ErrorOf(s.PreviewSilence(t.Context(), &incidentv1.PreviewSilenceRequest{Matchers: []string{`a`}})), fault.ErrInvalid, "matcher")
}

// TestSilenceFeed checks that a call returns at once if its revision is an old one, waits for each
// kind of change otherwise, and returns after 20 seconds without one.
func TestSilenceFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSilences(t)
		type result struct {
			res *incidentv1.ListActiveSilencesResponse
			err error
		}
		call := func(revision int64) <-chan result {
			results := make(chan result, 1)
			go func() {
				res, err := s.feed.ListActiveSilences(t.Context(), &incidentv1.ListActiveSilencesRequest{Revision: revision})
				results <- result{res, err}
			}()
			synctest.Wait()
			return results
		}
		begin := time.Now()
		r := <-call(0)
		kittest.NoError(t, r.err)
		kittest.Equal(t, []any{r.res.GetRevision(), len(r.res.GetSilences()), time.Since(begin)}, []any{int64(0), 0, 20 * time.Second})

		begin = time.Now()
		waiting := call(0)
		active, pending := s.create(t, 0, time.Hour), s.create(t, time.Minute, 2*time.Hour)
		r = <-waiting
		kittest.NoError(t, r.err)
		first := r.res.GetRevision()
		kittest.Equal(t, []any{first > 0, r.res.GetSilences()[0].GetId(), r.res.GetSilences()[0].GetReason()}, []any{true, active.GetId(), ""})

		r = <-call(first - 1) // any other revision
		kittest.NoError(t, r.err)
		kittest.Equal(t, []any{len(r.res.GetSilences()), r.res.GetSilences()[1].GetId(), r.res.GetSilences()[1].GetStartTime().AsTime()}, []any{2, pending.GetId(), s.now.Add(time.Minute)})

		waiting = call(r.res.GetRevision())
		kittest.NoError(t, kittest.ErrorOf(s.ExpireSilence(t.Context(), &incidentv1.ExpireSilenceRequest{Id: active.GetId()})))
		r = <-waiting
		kittest.NoError(t, r.err)
		kittest.Equal(t, []any{len(r.res.GetSilences()), r.res.GetSilences()[0].GetId()}, []any{1, pending.GetId()})
		kittest.Equal(t, time.Since(begin), time.Duration(0))

		waiting = call(r.res.GetRevision())
		close(s.stop)
		kittest.Error(t, (<-waiting).err, fault.ErrUnavailable, "stopping")
	})
}
