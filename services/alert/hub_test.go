package alert_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// watchedLedger serves the alerts of a ledger to at most limit watchers, with a
// polling hub.
func watchedLedger(t *testing.T, l *ledger.Store, limit int) (*alert.Hub, alertv1connect.AlertServiceClient) {
	t.Helper()
	hub := alert.NewHub(l, limit, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	_, handler := alertv1connect.NewAlertServiceHandler(&alert.Handler{Store: l, Hub: hub, Now: time.Now})
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
		server.Close()
	})
	return hub, alertv1connect.NewAlertServiceClient(server.Client(), server.URL)
}

// watch returns the messages of a watch on a channel that is closed when it ends.
func watch(ctx context.Context, t *testing.T, client alertv1connect.AlertServiceClient, a alert.Alert) <-chan *alertv1.WatchAlertResponse {
	t.Helper()
	got := make(chan *alertv1.WatchAlertResponse, 10_000)
	stream, err := client.WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: itoa(a.ID)})
	must(t, err)
	go func() {
		defer close(got)
		for stream.Receive() {
			got <- stream.Msg()
		}
		if err := stream.Err(); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	return got
}

// itoa returns an id as callers see it.
func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// send completes a delivery as Sent, without a notification of any hub.
func send(t *testing.T, l *ledger.Store, id int64) {
	t.Helper()
	claims, err := l.Claim(t.Context(), []int64{id}, alert.Claimant{Sender: "s"}, time.Now(), time.Now().Add(time.Minute))
	must(t, err)
	_, err = l.Report(t.Context(), []dispatch.Report{{
		DeliveryID: id, Fence: claims[0].Fence, StartTime: time.Now(), EndTime: time.Now(), Outcome: messenger.Outcome{Kind: messenger.Sent},
	}}, time.Now(), nil)
	must(t, err)
}

// TestWatchersShareFollower watches one alert twice, and receives changes without a
// notification, like those by another process.
func TestWatchersShareFollower(t *testing.T) {
	for _, store := range []string{"sqlite", "postgres"} {
		t.Run(store, func(t *testing.T) {
			l := ledgerIn(t, store)
			_, client := watchedLedger(t, l, 0)
			ds := queued(3)
			a, other := record(t, l, ds), record(t, l, queued(1))
			one, two := watch(t.Context(), t, client, a), watch(t.Context(), t, client, a)
			ctx, leave := context.WithCancel(t.Context())
			third, elsewhere := watch(ctx, t, client, a), watch(ctx, t, client, other)
			for _, w := range []<-chan *alertv1.WatchAlertResponse{one, two, third, elsewhere} {
				if first := receive(t, w); first.GetDeliveryCounts().GetQueued() != int32(len(first.GetDeliveries())) {
					t.Errorf("first %v", first)
				}
			}
			leave()
			send(t, l, ds[1].ID)
			for _, w := range []<-chan *alertv1.WatchAlertResponse{one, two} {
				message := receive(t, w)
				if len(message.GetDeliveries()) != 1 || message.GetDeliveries()[0].GetId() != itoa(ds[1].ID) || message.GetDeliveryCounts().GetSent() != 1 {
					t.Errorf("then %v", message)
				}
			}
			send(t, l, ds[0].ID)
			send(t, l, ds[2].ID)
			for _, w := range []<-chan *alertv1.WatchAlertResponse{one, two} {
				var last *alertv1.WatchAlertResponse
				for message := range w {
					last = message
				}
				if last.GetDeliveryCounts().GetSent() != 3 {
					t.Errorf("last %v", last)
				}
			}
			if ended := receive(t, watch(t.Context(), t, client, a)); len(ended.GetDeliveries()) != 3 {
				t.Errorf("completed alert: %v", ended)
			}
		})
	}
}

// TestWatchChangesOfAnotherProcess watches changes that another process makes in the
// shared ledger.
func TestWatchChangesOfAnotherProcess(t *testing.T) {
	url := postgrestest.URL(t)
	stores := make([]*ledger.Store, 2)
	for i := range stores {
		l, err := ledger.Open(t.Context(), url, time.Now)
		must(t, err)
		t.Cleanup(func() { must(t, l.Close()) })
		stores[i] = l
	}
	_, client := watchedLedger(t, stores[0], 0)
	ds := queued(1)
	w := watch(t.Context(), t, client, record(t, stores[1], ds))
	receive(t, w)
	send(t, stores[1], ds[0].ID)
	if message := receive(t, w); message.GetDeliveryCounts().GetSent() != 1 {
		t.Errorf("%v", message)
	}
}

// TestWatchIsNotified receives changes that the hub is notified of, without polling.
func TestWatchIsNotified(t *testing.T) {
	l := ledgerIn(t, "sqlite")
	hub := alert.NewHub(l, 0, slog.New(slog.DiscardHandler)) // it does not run, so it does not poll
	_, handler := alertv1connect.NewAlertServiceHandler(&alert.Handler{Store: l, Hub: hub, Loop: newDispatchLoop(l, nil), Now: time.Now})
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := alertv1connect.NewAlertServiceClient(server.Client(), server.URL)
	ds := queued(3)
	w := watch(t.Context(), t, client, record(t, l, ds))
	receive(t, w)
	send(t, l, ds[0].ID)
	hub.Changed(func(yield func(int64) bool) { yield(ds[0].ID) })
	if message := receive(t, w); message.GetDeliveryCounts().GetSent() != 1 {
		t.Errorf("%v", message)
	}
	_, err := client.CancelAlert(t.Context(), &alertv1.CancelAlertRequest{Id: itoa(ds[0].ID - 1)})
	must(t, err)
	if message := receive(t, w); message.GetDeliveryCounts().GetCanceled() != 2 {
		t.Errorf("%v", message)
	}
	if _, open := <-w; open {
		t.Error("the watch does not end")
	}
}

// TestTooManyWatchers refuses watchers that exceed the limit, and accepts one after
// another has left.
func TestTooManyWatchers(t *testing.T) {
	l := ledgerIn(t, "sqlite")
	_, client := watchedLedger(t, l, 2)
	a := record(t, l, queued(1))
	ctx, leave := context.WithCancel(t.Context())
	receive(t, watch(ctx, t, client, a))
	receive(t, watch(t.Context(), t, client, a))
	refused := func() bool {
		stream, err := client.WatchAlert(t.Context(), &alertv1.WatchAlertRequest{Id: itoa(a.ID)})
		must(t, err)
		defer stream.Close()
		return !stream.Receive() && strings.Contains(stream.Err().Error(), "too many watchers")
	}
	if !refused() {
		t.Error("a third watcher is accepted")
	}
	leave()
	for start := time.Now(); refused(); {
		if time.Since(start) > waitTimeout {
			t.Fatal("no watcher is accepted after one has left")
		}
	}
}

// TestSlowWatcher changes an alert with many deliveries while its watcher does not read:
// the watcher receives all deliveries again, and the last state of each is its final
// state.
func TestSlowWatcher(t *testing.T) {
	const many = 6_000
	l := ledgerIn(t, "sqlite")
	hub, client := watchedLedger(t, l, 0)
	ds := queued(many)
	a := record(t, l, ds)
	stream, err := client.WatchAlert(t.Context(), &alertv1.WatchAlertRequest{Id: itoa(a.ID)})
	must(t, err)
	if !stream.Receive() || len(stream.Msg().GetDeliveries()) != 500 {
		t.Fatalf("%v, %v", stream.Msg(), stream.Err())
	}
	for i := range 40 { // more messages than are buffered for the watcher
		send(t, l, ds[i].ID)
		hub.ChangedAlert(a.ID)
	}
	_, err = l.Cancel(t.Context(), a.ID, time.Now())
	must(t, err)
	hub.ChangedAll()
	states := map[string]alertv1.DeliveryState{}
	for stream.Receive() {
		if n := len(stream.Msg().GetDeliveries()); n > 500 {
			t.Errorf("a message of %d deliveries", n)
		}
		for _, d := range stream.Msg().GetDeliveries() {
			states[d.GetId()] = d.GetState()
		}
	}
	must(t, stream.Err())
	sent := 0
	for id, state := range states {
		switch state {
		case alertv1.DeliveryState_DELIVERY_STATE_SENT:
			sent++
		case alertv1.DeliveryState_DELIVERY_STATE_CANCELED:
		default:
			t.Fatalf("the last state of %s is %s", id, state)
		}
	}
	if len(states) != many || sent != 40 {
		t.Errorf("%d deliveries, %d sent", len(states), sent)
	}
}
