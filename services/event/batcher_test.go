package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// recordedAlerts is the alerts that were recorded, each key once, as in the ledger.
type recordedAlerts struct {
	sync.Mutex
	keys   map[string]bool
	alerts []event.KeyedAlert
	calls  int
	fail   func(alerts []event.KeyedAlert) error // after alerts are recorded; nil for none
}

func (r *recordedAlerts) SendAlerts(_ context.Context, alerts []event.KeyedAlert) ([]event.AlertResult, error) {
	r.Lock()
	defer r.Unlock()
	r.calls++
	results := make([]event.AlertResult, len(alerts))
	for i, a := range alerts {
		switch {
		case slices.Contains(a.Alert.By, "unknown"):
			results[i] = event.AlertResult{Outcome: event.Refused, Reason: "by: unknown messenger"}
		case r.keys[a.Key]:
			results[i].Outcome = event.Repeated
		default:
			if r.keys == nil {
				r.keys = map[string]bool{}
			}
			r.keys[a.Key] = true
			r.alerts = append(r.alerts, a)
		}
	}
	if r.fail != nil {
		if err := r.fail(alerts); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (r *recordedAlerts) messages() []string {
	r.Lock()
	defer r.Unlock()
	var texts []string
	for _, a := range r.alerts {
		texts = append(texts, a.Alert.Message)
	}
	return texts
}

// A clock is the time of a test.
type clock struct {
	sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.now = c.now.Add(d)
}

// refusals is the dead letters of batches.
type refusals struct {
	reasons []string
	alerts  []event.BatchedAlert
}

func (r *refusals) refuse(_ context.Context, alerts []event.BatchedAlert, reason string) error {
	r.reasons, r.alerts = append(r.reasons, reason), append(r.alerts, alerts...)
	return nil
}

func newBatcher(s event.BatchStore, alerts event.Alerts, c *clock, refused *refusals) *event.Batcher {
	b := event.NewBatcher(c.Now, slog.New(slog.DiscardHandler))
	b.Store, b.Alerts, b.Refuse, b.Metrics = s, alerts, refused.refuse, newCounts()
	return b
}

// batched returns the alert of an event for a batch of three, within 30 seconds.
func batched(id string) event.BatchedAlert {
	return event.BatchedAlert{
		Key: "key of " + id, Event: orderCreated(id, `{}`),
		Alert: event.PlannedAlert{Rule: "orders", Targets: []string{"@kim"}, Message: id, Batch: &event.BatchSpec{Count: 3, Within: 30 * time.Second}},
	}
}

func TestBatcher(t *testing.T) {
	ctx := t.Context()
	sent, c := &recordedAlerts{}, newClock()
	b := newBatcher(openStore(t), sent, c, &refusals{})
	for _, id := range []string{"1", "2", "1"} {
		kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{batched(id)}))
		kittest.NoError(t, b.Flush(ctx))
	}
	kittest.Equal(t, len(sent.messages()), 0)
	kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{batched("3"), batched("4")}))
	kittest.NoError(t, b.Flush(ctx))
	kittest.Equal(t, sent.messages(), []string{"3 events:\n- 1\n- 2\n- 3"})
	c.pass(30*time.Second - time.Microsecond)
	kittest.NoError(t, b.Flush(ctx))
	kittest.Equal(t, len(sent.messages()), 1)
	c.pass(time.Microsecond)
	kittest.NoError(t, b.Flush(ctx))
	kittest.Equal(t, sent.messages()[1:], []string{"4"})
	for _, a := range sent.alerts {
		if a.Alert.Batch != nil || len(a.Key) > 200 || a.Alert.Rule != "orders" {
			t.Errorf("%+v", a)
		}
	}
}

// TestBatcherSendsOnce proves that a batch whose sending was recorded, but not deleted, makes no
// second alert: by the same process, and by another one when the first was killed.
func TestBatcherSendsOnce(t *testing.T) {
	for name, err := range map[string]error{"unavailable": fault.Unavailablef("gone"), "internal": errors.New("internal")} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			s, sent, c := openStore(t), &recordedAlerts{}, newClock()
			b := newBatcher(s, sent, c, &refusals{})
			kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{batched("1"), batched("2"), batched("3")}))
			sent.fail = func([]event.KeyedAlert) error { return err }
			if flushErr := b.Flush(ctx); errors.Is(err, fault.ErrUnavailable) != errors.Is(flushErr, fault.ErrUnavailable) {
				t.Errorf("error is %v", flushErr)
			}
			sent.fail = nil
			other := newBatcher(s, sent, c, &refusals{})
			if errors.Is(err, fault.ErrUnavailable) {
				kittest.NoError(t, other.Flush(ctx)) // the lease was ended
			} else {
				kittest.NoError(t, other.Flush(ctx))
				kittest.Equal(t, sent.calls, 1)
				c.pass(2 * time.Minute)
				kittest.NoError(t, other.Flush(ctx))
			}
			kittest.Equal(t, sent.calls, 2)
			kittest.Equal(t, len(sent.messages()), 1)
			c.pass(time.Hour)
			kittest.NoError(t, other.Flush(ctx))
			kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{batched("2")})) // redelivered
			c.pass(time.Hour)
			kittest.NoError(t, b.Flush(ctx))
			kittest.Equal(t, sent.calls, 2)
		})
	}
}

// TestBatchesFailAlone proves that a batch that cannot be sent does not hold up the others.
func TestBatchesFailAlone(t *testing.T) {
	ctx := t.Context()
	sent, c := &recordedAlerts{}, newClock()
	b := newBatcher(openStore(t), sent, c, &refusals{})
	var all []event.BatchedAlert
	for i := range 25 {
		a := batched(fmt.Sprint(i))
		a.Alert.Targets = []string{fmt.Sprintf("@u%d", i)}
		all = append(all, a)
	}
	kittest.NoError(t, b.AddToBatches(ctx, all))
	c.pass(time.Minute)
	sent.fail = func(alerts []event.KeyedAlert) error {
		for _, a := range alerts {
			if a.Alert.Message == "7" {
				return errors.New("internal")
			}
		}
		return nil
	}
	kittest.NoError(t, b.Flush(ctx))
	messages := sent.messages()
	slices.Sort(messages)
	kittest.Equal(t, len(slices.Compact(messages)), 25)
	kittest.Equal(t, len(sent.alerts), 25)
	sent.fail = nil
	calls := sent.calls
	c.pass(2 * time.Minute)
	kittest.NoError(t, b.Flush(ctx))
	kittest.Equal(t, sent.calls, calls+1) // that one
}

func TestRefusedBatch(t *testing.T) {
	ctx := t.Context()
	sent, c, refused := &recordedAlerts{}, newClock(), &refusals{}
	b := newBatcher(openStore(t), sent, c, refused)
	bad, good := batched("1"), batched("2")
	bad.Alert.By = []string{"unknown"}
	kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{bad, good}))
	c.pass(time.Minute)
	kittest.NoError(t, b.Flush(ctx))
	kittest.Equal(t, sent.messages(), []string{"2"})
	kittest.Equal(t, refused.reasons, []string{"alert refused: by: unknown messenger"})
	kittest.Equal(t, refused.alerts, []event.BatchedAlert{bad})
	c.pass(time.Hour)
	kittest.NoError(t, b.Flush(ctx))
	kittest.Equal(t, len(refused.reasons), 1)

	bad.Alert.By = nil // replayed after the rule was changed
	kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{bad}))
	c.pass(time.Minute)
	kittest.NoError(t, b.Flush(ctx))
	kittest.Equal(t, sent.messages(), []string{"2", "1"})
}

// TestBatcherRun proves that a running batcher sends a full batch when it is full, and others when
// they are due.
func TestBatcherRun(t *testing.T) {
	sent, c := &recordedAlerts{}, newClock()
	arrived := make(chan string, 10)
	sent.fail = func(alerts []event.KeyedAlert) error {
		for _, a := range alerts {
			arrived <- a.Alert.Message
		}
		return nil
	}
	b := newBatcher(openStore(t), sent, c, &refusals{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{batched("1"), batched("2"), batched("3"), batched("4")}))
	kittest.Equal(t, <-arrived, "3 events:\n- 1\n- 2\n- 3")
	c.pass(30 * time.Second)
	kittest.Equal(t, <-arrived, "4")
	cancel()
	kittest.NoError(t, <-done)
}

// TestBatchersAtOnce proves that several processes send each batch once.
func TestBatchersAtOnce(t *testing.T) {
	ctx := t.Context()
	s, c := openStore(t), newClock()
	sent := &recordedAlerts{}
	for _, err := range kittest.Concurrently(4, func(i int) error {
		b := newBatcher(s, sent, c, &refusals{})
		for j := range 30 {
			if err := b.AddToBatches(ctx, []event.BatchedAlert{batched(fmt.Sprintf("%d-%d", i, j))}); err != nil {
				return err
			}
			if err := b.Flush(ctx); err != nil {
				return err
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	kittest.NoError(t, newBatcher(s, sent, c, &refusals{}).Flush(ctx))
	seen := map[string]bool{}
	for _, message := range sent.messages() {
		for _, line := range strings.Split(message, "\n- ")[1:] {
			if seen[line] {
				t.Errorf("%s is sent twice", line)
			}
			seen[line] = true
		}
	}
	kittest.Equal(t, len(seen), 120)
	kittest.Equal(t, len(sent.messages()), 40)
}

func TestFlushRule(t *testing.T) {
	ctx := t.Context()
	s, sent, c := openStore(t), &recordedAlerts{}, newClock()
	b := newBatcher(s, sent, c, &refusals{})
	other := batched("2")
	other.Alert.Rule = "others"
	kittest.NoError(t, b.AddToBatches(ctx, []event.BatchedAlert{batched("1"), other}))
	kittest.NoError(t, b.FlushRule(ctx, "orders"))
	kittest.Equal(t, sent.messages(), []string{"1"})
	kittest.NoError(t, b.FlushRule(ctx, "orders"))

	_, err := s.CloseBatches(ctx, "others", c.Now())
	kittest.NoError(t, err)
	_, err = s.ClaimBatches(ctx, c.Now(), time.Minute, 10) // by another process
	kittest.NoError(t, err)
	kittest.Error(t, b.FlushRule(ctx, "others"), fault.ErrUnavailable, `"others"`)
}
