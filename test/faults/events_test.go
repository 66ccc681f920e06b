package faults

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

const (
	// subjects and eventsPerSubject are the events of a case: those of a subject are published
	// one after the other, those of different ones at once.
	subjects         = 12
	eventsPerSubject = 6
	// readers are the users with an inbox; each is notified of the events of some subjects.
	readers = 4
)

// TestEvents publishes events while parts are killed: each event is one alert, those of a subject
// in their order, and each reader has each of them in the inbox exactly once.
func TestEvents(t *testing.T) {
	t.Parallel()
	stores, victims := []string{"sqlite"}, [][]string{{"event"}, {"inbox"}, {"event", "inbox", "alert", "sender1", "broker", "edge"}}
	if long {
		stores = append(stores, "postgres")
		victims = append(victims, []string{"alert"}, []string{"sender1"}, []string{"broker"}, []string{"directory"})
	} else if testing.Short() {
		victims = victims[2:]
	}
	for _, store := range stores {
		for _, parts := range victims {
			t.Run(store+",kill="+strings.Join(parts, "+"), func(t *testing.T) {
				t.Parallel()
				eventCase(t, store, parts)
			})
		}
	}
}

// eventCase runs a case of TestEvents.
func eventCase(t *testing.T, store string, victims []string) {
	rng := draw(t.Name())
	s := withBroker(t).withEvents(t, store)
	var publishing sync.WaitGroup
	published := new(counter)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for subject := range subjects {
		pause := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
		publishing.Go(func() {
			for n := range eventsPerSubject {
				wait(ctx, upTo(pause, 400*time.Millisecond))
				s.publish(ctx, subject, n)
				published.add(1)
			}
		})
	}
	for i := range faultsPerCase {
		published.reach(ctx, 1+i*subjects*eventsPerSubject/faultsPerCase+rng.IntN(10))
		s.kill(victims...)
		wait(ctx, upTo(rng, 300*time.Millisecond))
		s.start(t, victims...)
	}
	publishing.Wait()
	if ctx.Err() != nil {
		t.Fatal("not all events were published within two minutes")
	}

	s.judgeAlerts(t)
	for reader := range readers {
		s.judgeInbox(t, reader)
	}
	s.living(t)
}

// withEvents runs every service in a process of its own, with a rule and with readers.
func (s *system) withEvents(t testing.TB, store string) *system {
	t.Helper()
	byName := "--nats-url=" + s.nats
	s.serveByName(t, store)
	s.serve(t, "event", "event", "--services=event", "--data="+t.TempDir(), "--event-url="+newDatabase(t, store, "event"), byName)
	s.serve(t, "inbox", "inbox", "--services=inbox", "--data="+t.TempDir(), "--inbox-url="+newDatabase(t, store, "inbox"), byName)
	s.awaitInstances(t, s.url)

	people := userv1connect.NewUserServiceClient(s.client(), s.url)
	for reader := range readers {
		_, err := people.CreateUser(t.Context(), &userv1.CreateUserRequest{NickName: fmt.Sprintf("reader%d", reader), Addresses: []*userv1.NewAddress{{Messenger: "inbox"}}})
		must(t, err)
	}
	_, err := s.events().CreateEventRule(t.Context(), &eventv1.CreateEventRuleRequest{Rule: &eventv1.EventRule{
		Name: "orders", Type: "order.*", Condition: "data.number >= 0", Message: "{{.subject}} {{.data.number}}",
		Notify: []*eventv1.Notify{{Targets: []string{"@{{.data.reader}}"}, By: []string{"inbox"}}},
	}})
	must(t, err)
	return s
}

func (s *system) events() eventv1connect.EventServiceClient {
	return eventv1connect.NewEventServiceClient(s.client(), s.url)
}

// publish publishes an event of a subject, with its number, until it is stored.
func (s *system) publish(ctx context.Context, subject, number int) {
	body := fmt.Sprintf(`{"id":"%d-%d","source":"faults","type":"order.changed","subject":"s%d","data":{"number":%d,"reader":"reader%d"}}`, subject, number, subject, number, subject%readers)
	client := s.client()
	client.Timeout = 5 * time.Second
	for ctx.Err() == nil {
		if stored(ctx, client, s.url, body) {
			return
		}
		wait(ctx, 20*time.Millisecond)
	}
}

// stored publishes an event, and reports whether it is stored now.
func stored(ctx context.Context, client *http.Client, url, body string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/events", strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	var decoded struct{ Results []struct{ Outcome string } }
	return err == nil && res.StatusCode == http.StatusOK && json.Unmarshal(answer, &decoded) == nil && len(decoded.Results) == 1 &&
		(decoded.Results[0].Outcome == "PUBLISH_OUTCOME_STORED" || decoded.Results[0].Outcome == "PUBLISH_OUTCOME_DUPLICATE")
}

// judgeAlerts waits until each event is an alert of which all deliveries are sent, and checks that
// it is one only, and that those of a subject are in order.
func (s *system) judgeAlerts(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	const want = subjects * eventsPerSubject
	var all []*alertv1.GetAlertResponse
	for len(all) < want && ctx.Err() == nil {
		wait(ctx, 50*time.Millisecond) // other processes can only be polled
		all = s.ended(t)
	}
	if len(all) != want {
		t.Errorf("%d alerts of %d events", len(all), want)
	}
	slices.SortFunc(all, func(a, b *alertv1.GetAlertResponse) int { return cmp.Compare(number(t, a), number(t, b)) })
	next := map[string]int{}
	for _, a := range all {
		subject, place, _ := strings.Cut(a.GetAlert().GetMessage(), " ")
		if place != strconv.Itoa(next[subject]) {
			t.Errorf("alert %s of %s is number %s, want %d", a.GetAlert().GetId(), subject, place, next[subject])
		}
		next[subject]++
		for _, d := range a.GetDeliveries() {
			if d.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
				t.Errorf("delivery of alert %s: %v", a.GetAlert().GetId(), d)
			}
		}
	}
}

// number returns the id of an alert as a number.
func number(t testing.TB, a *alertv1.GetAlertResponse) int64 {
	t.Helper()
	id, err := strconv.ParseInt(a.GetAlert().GetId(), 10, 64)
	must(t, err)
	return id
}

// judgeInbox checks that a reader has each event exactly once.
func (s *system) judgeInbox(t *testing.T, reader int) {
	t.Helper()
	var want, got []string
	for subject := range subjects {
		for n := range eventsPerSubject {
			if subject%readers == reader {
				want = append(want, fmt.Sprintf("[normal] s%d %d", subject, n))
			}
		}
	}
	res, err := inboxv1connect.NewInboxServiceClient(s.client(), s.url).List(t.Context(), &inboxv1.ListRequest{NickName: fmt.Sprintf("reader%d", reader), PageSize: 500})
	must(t, err)
	for _, item := range res.GetItems() {
		got = append(got, item.GetText())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("reader%d has %q, want %q", reader, got, want)
	}
}
