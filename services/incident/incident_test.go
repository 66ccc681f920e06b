package incident_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
	"github.com/bongsu-project/bongsu/services/incident/store"
)

// patience is the timeout of an event that must happen.
const patience = 20 * time.Second

// A clock is at(0) where it begins, and moves with the time of its bubble.
type clock struct{ begin time.Time }

func newClock() *clock { return &clock{begin: time.Now()} }

// Now returns the time.
func (c *clock) Now() time.Time { return at(0).Add(time.Since(c.begin)) }

// inBubble runs a test in a bubble, whose time moves as soon as nothing else happens.
func inBubble(t *testing.T, test func(t *testing.T, p process)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "incident.db")
	synctest.Test(t, func(t *testing.T) { test(t, process{openStore(t, path), newAlertService(), newClock()}) })
}

// none fails the test if a channel has a value, once all that can happen now has happened.
func none[T any](t *testing.T, from <-chan T, what string) {
	t.Helper()
	synctest.Wait()
	select {
	case <-from:
		t.Error(what)
	default:
	}
}

// An alertService is an alert service whose changes and responses the tests set.
type alertService struct {
	jobv1connect.UnimplementedDispatchServiceHandler

	listed chan int64                   // the position of each call for changes
	feed   chan []*jobv1.IncidentChange // the results of these calls
	sent   chan *jobv1.SendAlertsRequest
	// answer returns the result of an alert; nil records it with the id 500.
	answer func() (*jobv1.SendAlertsResult, error)
}

func newAlertService() *alertService {
	return &alertService{listed: make(chan int64, 100), feed: make(chan []*jobv1.IncidentChange), sent: make(chan *jobv1.SendAlertsRequest, 100)}
}

// ListIncidentChanges waits for the next changes of the test.
func (s *alertService) ListIncidentChanges(ctx context.Context, req *jobv1.ListIncidentChangesRequest) (*jobv1.ListIncidentChangesResponse, error) {
	s.listed <- req.GetAfter()
	select {
	case changes := <-s.feed:
		return &jobv1.ListIncidentChangesResponse{Changes: changes}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// SendAlerts records an alert.
func (s *alertService) SendAlerts(_ context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	result := &jobv1.SendAlertsResult{Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED, Id: "500"}
	if s.answer != nil {
		var err error
		if result, err = s.answer(); err != nil {
			s.sent <- req
			return nil, err
		}
	}
	s.sent <- req
	return &jobv1.SendAlertsResponse{Results: []*jobv1.SendAlertsResult{result}}, nil
}

// wireChange returns a change of an incident as the alert service lists it.
func wireChange(id, of int64, kind jobv1.IncidentChangeKind, a *alertv1.Alert) *jobv1.IncidentChange {
	return &jobv1.IncidentChange{Id: id, Incident: of, Kind: kind, Alert: a}
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, s.Close()) })
	return s
}

// run runs a task until the test ends, or stop is called.
func run(t *testing.T, task func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- task(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		kittest.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

// receive returns the next value of a channel.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing was received")
		panic("unreachable")
	}
}

var quiet = slog.New(slog.DiscardHandler)

// A process is a follower of a store with its dependencies.
type process struct {
	store   incident.Store
	service *alertService
	clock   *clock
}

func (p process) follower(holder string, alone bool) *incident.Follower {
	return &incident.Follower{
		Changes: p.store, Feed: incident.AlertClient{Service: p.service}, Holder: holder, Alone: alone,
		Changed: func() {}, Now: p.clock.Now, Log: quiet,
	}
}

func (p process) notifier() *incident.Notifier {
	return incident.NewNotifier(p.store, incident.AlertClient{Service: p.service}, p.clock.Now, quiet)
}
