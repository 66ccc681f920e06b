package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/eventstream"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/services/event"
	"github.com/bongsu-project/bongsu/services/event/store"
)

// An alertService records alerts as the alert service does, at the seam of its API.
type alertService struct {
	jobv1connect.DispatchServiceClient

	mu       sync.Mutex
	keys     map[string]bool
	messages []string // of recorded alerts, in their order
	attempts int
	changed  chan struct{} // closed and replaced when something is recorded
}

func newAlertService() *alertService {
	return &alertService{keys: map[string]bool{}, changed: make(chan struct{})}
}

func (a *alertService) SendAlerts(_ context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts++
	if req.GetSource() != "event" || !req.GetOnce() {
		return nil, fmt.Errorf("unexpected request of source %q", req.GetSource())
	}
	res := &jobv1.SendAlertsResponse{}
	for _, alert := range req.GetAlerts() {
		if strings.Contains(alert.GetMessage(), "internal") {
			return nil, errors.New("an internal error")
		}
		res.Results = append(res.Results, a.record(alert))
	}
	close(a.changed)
	a.changed = make(chan struct{})
	return res, nil
}

func (a *alertService) record(alert *alertv1.SendAlertRequest) *jobv1.SendAlertsResult {
	refused := func(field, reason, message string) *jobv1.SendAlertsResult {
		return &jobv1.SendAlertsResult{Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED, Field: field, Reason: reason, Message: message}
	}
	switch key := alert.GetIdempotencyKey(); {
	case alert.GetTarget()[0] == "@nobody":
		return refused("target", "unknown_target", "unknown target @nobody")
	case strings.Contains(alert.GetMessage(), "invalid"):
		return refused("message", "invalid_field", "too long")
	case a.keys[key]:
		return &jobv1.SendAlertsResult{Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REPEATED}
	default:
		a.keys[key] = true
		a.messages = append(a.messages, alert.GetMessage())
		return &jobv1.SendAlertsResult{Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED, Id: "1", UserCount: 1}
	}
}

// recorded returns the messages of the recorded alerts, and a channel that is closed when there
// are more.
func (a *alertService) recorded() ([]string, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.messages...), a.changed
}

// wait waits until n alerts are recorded, and returns their messages.
func (a *alertService) wait(t *testing.T, n int) []string {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		messages, changed := a.recorded()
		if len(messages) >= n {
			return messages
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d alerts after 60 s, want %d", len(messages), n)
		}
	}
}

// echoRule notifies @kim of each event by its data; events of some types are special.
type echoRule struct{ mended bool }

func (r *echoRule) Apply(_ context.Context, e event.Event) ([]event.PlannedAlert, []event.Failure) {
	alert := event.PlannedAlert{Rule: "echo", Targets: []string{"@kim"}, Message: e.Subject + " " + string(e.Data)}
	switch e.Type {
	case "ignored":
		return nil, nil
	case "nobody":
		alert.Targets = []string{"@nobody"}
	case "untargeted":
		alert.Targets = nil
	case "batched":
		alert.Batch = &event.BatchSpec{Count: 2, Within: time.Minute}
	case "failing":
		if !r.mended {
			return nil, []event.Failure{{Rule: "echo", Reason: "no field data.x"}}
		}
	}
	return []event.PlannedAlert{alert}, nil
}

// batches are those that were added.
type batches struct {
	mu    sync.Mutex
	added []event.BatchedAlert
}

func (b *batches) AddToBatches(_ context.Context, alerts []event.BatchedAlert) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.added = append(b.added, alerts...)
	return nil
}

// counts are the metrics of a test.
type counts struct {
	mu      sync.Mutex
	numbers map[string]int
	changed chan struct{}
}

func newCounts() *counts { return &counts{numbers: map[string]int{}, changed: make(chan struct{})} }

func (c *counts) Published(outcome string, n int) { c.add(outcome, n) }
func (c *counts) Handled(handling event.Handling) { c.add(string(handling), 1) }

func (c *counts) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.numbers[name] += n
	close(c.changed)
	c.changed = make(chan struct{})
}

// wait waits until a number is counted.
func (c *counts) wait(t *testing.T, name string, n int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		c.mu.Lock()
		got, changed := c.numbers[name], c.changed
		c.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s: %d after 30 s, want %d; all: %v", name, got, n, c.numbers)
		}
	}
}

// A harness is an event service with a real stream and store.
type harness struct {
	broker   *queue.Broker
	conn     *nats.Conn
	stream   *eventstream.Stream
	store    *store.Store
	rules    *echoRule
	alerts   *alertService
	batches  *batches
	metrics  *counts
	handler  *event.Handler
	consumer *event.Consumer
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	broker, err := queue.StartBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "event.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &harness{broker: broker, store: s, rules: &echoRule{}, alerts: newAlertService(), batches: &batches{}, metrics: newCounts()}
	h.conn, h.stream = openStream(t, broker, "main")
	h.consumer = h.newConsumer(t, h.stream, h.alerts)
	h.handler = &event.Handler{
		PublishHandler:    &event.PublishHandler{Stream: h.stream, Metrics: h.metrics, Now: time.Now},
		DeadLetterHandler: &event.DeadLetterHandler{DeadLetters: s, Processor: h.consumer.Processor},
	}
	return h
}

func openStream(t *testing.T, broker *queue.Broker, instance string) (*nats.Conn, *eventstream.Stream) {
	t.Helper()
	conn, err := broker.Connect(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	s, err := eventstream.Open(t.Context(), conn, eventstream.Options{
		Instance: instance, MaxAge: event.MaxEventAge, Lease: time.Second, Log: logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn, s
}

func logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func (h *harness) newConsumer(t *testing.T, stream *eventstream.Stream, alerts jobv1connect.DispatchServiceClient) *event.Consumer {
	t.Helper()
	return &event.Consumer{
		Stream: stream,
		Processor: &event.Processor{
			Rules: h.rules, Batches: h.batches, Alerts: event.AlertClient{Service: alerts}, DeadLetters: h.store, Now: time.Now, Log: logger(t),
		},
		Metrics: h.metrics, Log: logger(t),
	}
}

// run runs a consumer until the test ends.
func run(t *testing.T, c *event.Consumer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
