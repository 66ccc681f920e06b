package event_test

import (
	"fmt"
	"strconv"
	"testing"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// TestReplay handles dead letters again: those whose rule works now are handled and removed, in
// their order, and notify once.
func TestReplay(t *testing.T) {
	h := newHarness(t)
	run(t, h.consumer)
	for n := range 3 {
		h.publish(t, sample("failing", "a", n))
	}
	kittest.NoError(t, h.conn.Publish("events.x", []byte("{no event")))
	h.metrics.wait(t, string(event.DeadLettered), 4)

	list, err := h.handler.ListDeadLetters(t.Context(), &eventv1.ListDeadLettersRequest{PageSize: 3})
	kittest.NoError(t, err)
	kittest.Equal(t, len(list.GetDeadLetters()), 3)
	rest, err := h.handler.ListDeadLetters(t.Context(), &eventv1.ListDeadLettersRequest{PageSize: 3, PageToken: list.GetNextPageToken()})
	kittest.NoError(t, err)
	kittest.Equal(t, len(rest.GetDeadLetters()), 1)
	kittest.Equal(t, rest.GetNextPageToken(), "")
	seen := map[string]int{}
	for _, l := range append(list.GetDeadLetters(), rest.GetDeadLetters()...) {
		seen[l.GetRule()+"|"+l.GetReason()]++
		if l.GetRule() == "" && (l.GetEvent().GetData() != "{no event" || l.GetEvent().GetId() != "") || l.GetRule() != "" && l.GetEvent().GetSubject() != "a" {
			t.Errorf("%v", l)
		}
	}
	kittest.Equal(t, seen, map[string]int{"echo|no field data.x": 3, "|not a CloudEvent: invalid character 'n' looking for beginning of object key string": 1})

	replay := func(req *eventv1.ReplayDeadLettersRequest) string {
		t.Helper()
		res, err := h.handler.ReplayDeadLetters(t.Context(), req)
		kittest.NoError(t, err)
		return fmt.Sprint(res.GetHandledCount(), " handled, ", res.GetFailedCount(), " failed")
	}
	kittest.Equal(t, replay(&eventv1.ReplayDeadLettersRequest{All: true}), "0 handled, 4 failed")
	n, err := h.store.CountDeadLetters(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, n, 4)

	mended := h.newConsumer(t, h.stream, h.alerts).Processor
	mended.Rules = &echoRule{mended: true}
	h.handler.Processor = mended
	last := lettersOf(t, h)[0]
	kittest.Equal(t, replay(&eventv1.ReplayDeadLettersRequest{Ids: []string{strconv.FormatInt(1<<40, 10)}}), "0 handled, 0 failed")
	if last.Rule == "" {
		last = lettersOf(t, h)[1]
	}
	kittest.Equal(t, replay(&eventv1.ReplayDeadLettersRequest{All: true}), "3 handled, 1 failed")
	checkOrder(t, h.alerts.wait(t, 3), 1, 3)
	kittest.Equal(t, len(lettersOf(t, h)), 1)

	// A letter that comes back, as of an event whose ack was lost, notifies nobody again.
	kittest.NoError(t, h.store.AddDeadLetters(t.Context(), []event.DeadLetter{last}))
	kittest.Equal(t, replay(&eventv1.ReplayDeadLettersRequest{All: true}), "1 handled, 1 failed")
	checkOrder(t, h.alerts.wait(t, 3), 1, 3)
}

// lettersOf returns all dead letters, the newest first.
func lettersOf(t *testing.T, h *harness) []event.DeadLetter {
	t.Helper()
	letters, err := h.store.DeadLetters(t.Context(), event.DeadLetterQuery{Limit: 1000})
	kittest.NoError(t, err)
	return letters
}

func TestReplayUnavailable(t *testing.T) {
	h := newHarness(t)
	away := &unavailableAlertService{alertService: h.alerts}
	away.left.Store(1)
	h.handler.Processor = h.newConsumer(t, h.stream, away).Processor
	h.handler.Processor.Rules = &echoRule{mended: true}
	kittest.NoError(t, h.store.AddDeadLetters(t.Context(), []event.DeadLetter{{
		Key: "k", Rule: "echo", Event: []byte(`{"specversion":"1.0","id":"1","source":"shop","type":"failing","subject":"a","data":0}`),
	}}))
	_, err := h.handler.ReplayDeadLetters(t.Context(), &eventv1.ReplayDeadLettersRequest{All: true})
	kittest.Error(t, err, fault.ErrUnavailable, "try again")
	kittest.Equal(t, len(lettersOf(t, h)), 1)
	_, err = h.handler.ReplayDeadLetters(t.Context(), &eventv1.ReplayDeadLettersRequest{All: true})
	kittest.NoError(t, err)
	kittest.Equal(t, len(lettersOf(t, h)), 0)
}

func TestInvalidReplays(t *testing.T) {
	h := newHarness(t)
	for _, req := range []*eventv1.ReplayDeadLettersRequest{{}, {All: true, Ids: []string{"1"}}, {Ids: []string{"x"}}, {Ids: []string{"-1"}}} {
		_, err := h.handler.ReplayDeadLetters(t.Context(), req)
		kittest.Error(t, err, fault.ErrInvalid, "ids")
	}
	for _, token := range []string{"x", "0", "-3"} {
		_, err := h.handler.ListDeadLetters(t.Context(), &eventv1.ListDeadLettersRequest{PageToken: token})
		kittest.Error(t, err, fault.ErrInvalid, "page_token")
	}
}
