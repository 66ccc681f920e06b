package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/test/proc"
)

// within is the time after the first event at which a batch of TestEventBatch is sent.
const within = 3 * time.Second

// TestEventBatch publishes events of which a rule makes one alert when three have come, or three
// seconds after the first. By the counters of the stream, the events are taken at once: it holds
// none back, whether the alert is sent by number or by time.
func TestEventBatch(t *testing.T) {
	s := startScene(t)
	s.create(t, "/v1/event-rules", `{"name":"comments","type":"comment.posted","message":"{{.data.text}}","notify":[{"targets":["@lee"],"by":["inbox"]}],
		"batch":{"count":3,"within":"`+fmt.Sprint(within)+`","message":"{{.count}} comments"}}`)
	conn, err := nats.Connect(s.nats)
	must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	must(t, err)
	lee := s.read(t, "lee")
	publish := func(from, to int) {
		for n := from; n <= to; n++ {
			s.publish(t, fmt.Sprintf(`{"id":"%d","source":"board","type":"comment.posted","subject":"post","data":{"text":"comment %d"}}`, n, n))
		}
	}

	begin := time.Now()
	publish(1, 3)
	lee.await(t, "lee", []string{"[normal] 3 comments"})
	if took := time.Since(begin); took >= within {
		t.Errorf("a batch of three was sent after %s, want before the %s of its time", took, within)
	}
	s.awaitTaken(t, js, 3)

	begin = time.Now()
	publish(4, 5)
	s.awaitTaken(t, js, 5)
	if taken := time.Since(begin); taken >= within {
		t.Errorf("events of a batch that is not full were taken after %s, want at once", taken)
	}
	lee.await(t, "lee", []string{"[normal] 3 comments", "[normal] 2 comments"})
	if took := time.Since(begin); took < within-500*time.Millisecond { // the clock of another process
		t.Errorf("a batch of two was sent after %s, want %s", took, within)
	}
	status, answer := request(t, http.MethodGet, s.edge+"/v1/alerts", "")
	var list struct{ Alerts []struct{ Message string } }
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != http.StatusOK || len(list.Alerts) != 2 {
		t.Errorf("alerts: %d %s", status, answer)
	}
}

// awaitTaken waits until the stream has a number of messages, of which each consumer has
// acknowledged all.
func (s *scene) awaitTaken(t *testing.T, js jetstream.JetStream, count uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	stream, err := js.Stream(ctx, "EVENTS")
	must(t, err)
	for {
		info, err := stream.Info(ctx)
		must(t, err)
		if info.State.LastSeq != count {
			t.Fatalf("the stream has %d messages, want %d", info.State.LastSeq, count)
		}
		taken := 0
		for consumer := range stream.ListConsumers(ctx).Info() {
			if consumer.AckFloor.Stream == count && consumer.NumPending == 0 && consumer.NumAckPending == 0 {
				taken++
			}
		}
		if taken == 4 {
			return
		}
		look(ctx, t)
	}
}
