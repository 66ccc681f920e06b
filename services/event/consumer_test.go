package event_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// sample returns an event of a type; its data is a number.
func sample(eventType, subject string, number int) *eventv1.Event {
	return &eventv1.Event{Id: subject + "/" + strconv.Itoa(number) + "/" + eventType, Source: "shop", Type: eventType, Subject: subject, Data: strconv.Itoa(number)}
}

func (h *harness) publish(t *testing.T, events ...*eventv1.Event) []*eventv1.PublishResult {
	t.Helper()
	res, err := h.handler.Publish(t.Context(), &eventv1.PublishRequest{Events: events})
	kittest.NoError(t, err)
	return res.GetResults()
}

// checkOrder checks that the messages of each subject are 0, 1, 2, … in their order, each once.
func checkOrder(t *testing.T, messages []string, subjects, perSubject int) {
	t.Helper()
	next := map[string]int{}
	for _, m := range messages {
		subject, number, _ := strings.Cut(m, " ")
		if number != strconv.Itoa(next[subject]) {
			t.Errorf("event %s of %s was handled when %d was expected", number, subject, next[subject])
		}
		next[subject]++
	}
	if len(next) != subjects || len(messages) != subjects*perSubject {
		t.Errorf("%d messages of %d subjects, want %d of %d", len(messages), len(next), subjects*perSubject, subjects)
	}
}

// A dyingAlertService is an alert service as a process sees it that dies in the midst of a
// request: after n requests, the alerts are recorded, the process gets no response, and sends
// nothing any more.
type dyingAlertService struct {
	*alertService

	left  atomic.Int64
	dead  atomic.Bool
	death chan struct{} // closed at its death
}

func (d *dyingAlertService) SendAlerts(ctx context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	if d.dead.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	res, err := d.alertService.SendAlerts(ctx, req)
	if d.left.Add(-1) == 0 {
		d.dead.Store(true)
		close(d.death)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return res, err
}

// TestOrderAcrossDeaths runs three consumers, of which one dies while it holds events whose
// alerts are recorded and not acked, and others that it has not begun. Each event notifies
// once, and those of one subject in their order.
func TestOrderAcrossDeaths(t *testing.T) {
	const subjects, perSubject = 12, 40
	h := newHarness(t)
	conn, stream := openStream(t, h.broker, "victim")
	dying := &dyingAlertService{alertService: h.alerts, death: make(chan struct{})}
	dying.left.Store(5)
	victim := h.newConsumer(t, stream, dying)
	victim.Metrics = newCounts()
	run(t, victim) // takes all partitions
	publishRound := func(from, to int) {
		for n := from; n < to; n++ {
			var events []*eventv1.Event
			for s := range subjects {
				events = append(events, sample("order.changed", fmt.Sprintf("order-%d", s), n))
			}
			h.publish(t, events...)
		}
	}
	publishRound(0, perSubject/2)
	<-dying.death
	conn.Close() // it releases nothing
	run(t, h.consumer)
	_, other := openStream(t, h.broker, "other")
	run(t, h.newConsumer(t, other, h.alerts))
	publishRound(perSubject/2, perSubject)
	checkOrder(t, h.alerts.wait(t, subjects*perSubject), subjects, perSubject)
	// The alerts that the victim had recorded were repeated, and not recorded again.
	h.metrics.wait(t, string(event.Repeat), 1)
	got, _ := h.alerts.recorded()
	checkOrder(t, got, subjects, perSubject)
}

// TestMissed handles events that were published while no consumer ran, in their order.
func TestMissed(t *testing.T) {
	h := newHarness(t)
	for n := range 50 {
		h.publish(t, sample("order.changed", "a", n), sample("order.changed", "b", n))
	}
	run(t, h.consumer)
	checkOrder(t, h.alerts.wait(t, 100), 2, 50)
	h.metrics.wait(t, string(event.Notified), 100)
}

// An unavailableAlertService is away for some calls.
type unavailableAlertService struct {
	*alertService

	left atomic.Int64
}

func (u *unavailableAlertService) SendAlerts(ctx context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	if u.left.Add(-1) >= 0 {
		return nil, fault.Unavailablef("alert service unavailable")
	}
	return u.alertService.SendAlerts(ctx, req)
}

// TestUnavailable retries for as long as the alert service is away: no event becomes a dead
// letter.
func TestUnavailable(t *testing.T) {
	h := newHarness(t)
	away := &unavailableAlertService{alertService: h.alerts}
	away.left.Store(4)
	run(t, h.newConsumer(t, h.stream, away))
	for n := range 3 {
		h.publish(t, sample("order.changed", "a", n))
	}
	checkOrder(t, h.alerts.wait(t, 3), 1, 3)
	n, err := h.store.CountDeadLetters(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)
}

// TestHandlings counts what becomes of events; none of them keeps the others.
func TestHandlings(t *testing.T) {
	h := newHarness(t)
	run(t, h.consumer)
	h.publish(t, sample("ignored", "a", 0), sample("nobody", "a", 1), sample("untargeted", "a", 2), sample("batched", "a", 3),
		sample("failing", "a", 4), sample("order.changed", "a", 5))
	invalid := sample("order.changed", "a", 6)
	invalid.Data = `"invalid"`
	internal := sample("order.changed", "a", 7)
	internal.Data = `"internal"`
	h.publish(t, invalid, internal, sample("order.changed", "b", 0), sample("order.changed", "a", 8))
	kittest.NoError(t, h.conn.Publish("events.anything", []byte("\xff no event")))

	got := h.alerts.wait(t, 3)
	slices.Sort(got)
	kittest.Equal(t, got, []string{"a 5", "a 8", "b 0"})
	for handling, n := range map[event.Handling]int{
		event.NoRule: 1, event.NoOne: 2, event.Notified: 4, event.DeadLettered: 4,
	} {
		h.metrics.wait(t, string(handling), n)
	}
	kittest.Equal(t, len(h.batches.added), 1)
	kittest.Equal(t, h.batches.added[0].Event.ID, "a/3/batched")
	kittest.Equal(t, len(h.batches.added[0].Key), 64)

	letters, err := h.store.DeadLetters(t.Context(), event.DeadLetterQuery{Limit: 100})
	kittest.NoError(t, err)
	reasons := map[string]bool{}
	for _, l := range letters {
		reasons[l.Rule+": "+l.Reason] = true
	}
	kittest.Equal(t, reasons, map[string]bool{
		": not a CloudEvent: invalid body: not UTF-8, send it in UTF-8 or set its charset in the Content-Type": true,
		"echo: no field data.x":                  true,
		"echo: alert refused: message: too long": true,
		"echo: alert service: internal error":    true,
	})
}

// TestStraightToNATS handles CloudEvents of other programs in every form, also without an id
// for the broker; one that is published twice notifies once.
func TestStraightToNATS(t *testing.T) {
	h := newHarness(t)
	run(t, h.consumer)
	send := func(data string, headers ...string) {
		t.Helper()
		m := nats.NewMsg("events.order.created")
		m.Data = []byte(data)
		for i := 0; i < len(headers); i += 2 {
			m.Header[headers[i]] = []string{headers[i+1]}
		}
		kittest.NoError(t, h.conn.PublishMsg(m))
	}
	const plain = `{"specversion":"1.0","id":"1","source":"shop","type":"order.created","subject":"s","data":{ "n":12345678901234567890.10 }}`
	send(plain)
	send(plain)
	send(plain, "content-type", "application/cloudevents+json")
	send(`{ "n":1.50 }`, "ce-specversion", "1.0", "ce-id", "2", "ce-source", "shop", "ce-type", "order.created", "ce-subject", "order%207", "content-type", "application/json")
	send(plain, "Bongsu-Order", "not a number")
	h.metrics.wait(t, string(event.Repeat), 3)
	got := h.alerts.wait(t, 2)
	slices.Sort(got)
	kittest.Equal(t, got, []string{`order 7 { "n":1.50 }`, `s { "n":12345678901234567890.10 }`})
}

// TestStopped proves that a consumer that stops acks nothing that is not recorded.
func TestStopped(t *testing.T) {
	h := newHarness(t)
	ctx, cancel := context.WithCancel(t.Context())
	blocked := &blockedAlertService{alertService: h.alerts, called: make(chan struct{})}
	done := make(chan error, 1)
	c := h.newConsumer(t, h.stream, blocked)
	go func() { done <- c.Run(ctx) }()
	h.publish(t, sample("order.changed", "a", 0), sample("order.changed", "a", 1))
	<-blocked.called
	cancel()
	kittest.NoError(t, <-done)
	run(t, h.consumer)
	checkOrder(t, h.alerts.wait(t, 2), 1, 2)
}

// A blockedAlertService answers no request before its end.
type blockedAlertService struct {
	*alertService

	called chan struct{}
	once   atomic.Bool
}

func (b *blockedAlertService) SendAlerts(ctx context.Context, _ *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	if !b.once.Swap(true) {
		close(b.called)
	}
	<-ctx.Done()
	return nil, errors.New("canceled")
}
