package event_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
	"github.com/bongsu-project/bongsu/services/event/store"
)

// openStore opens an empty store until the test ends.
func openStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "event.db"))
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, s.Close()) })
	return s
}

// openRules opens the rules of a store.
func openRules(t testing.TB, s event.RuleStore) *event.RuleSet {
	t.Helper()
	rules, err := event.OpenRules(t.Context(), s, slog.New(slog.DiscardHandler))
	kittest.NoError(t, err)
	return rules
}

// newRule returns a rule that notifies the user of an event.
func newRule(name, pattern string) event.Rule {
	return event.Rule{
		Name: name, Type: pattern, Message: name + " {{.data.n}}", Notify: []event.Notify{{Targets: []string{"@{{.data.user}}"}}},
		UpdateTime: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
	}
}

func orderCreated(id, data string) event.Event {
	return event.Event{ID: id, Source: "shop", Type: "order.created", Subject: "o1", Time: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), Data: []byte(data)}
}

// messagesOf returns the messages of alerts.
func messagesOf(alerts []event.PlannedAlert) string {
	var texts []string
	for _, a := range alerts {
		texts = append(texts, a.Message)
	}
	return strings.Join(texts, "|")
}

func addRule(t testing.TB, s event.RuleStore, r event.Rule) {
	t.Helper()
	_, err := s.AddRule(t.Context(), r)
	kittest.NoError(t, err)
}

func TestApply(t *testing.T) {
	s := openStore(t)
	off := newRule("off", "order.created")
	off.Disabled = true
	rich := newRule("rich", "order.*")
	rich.Condition = "data.n > 10"
	for _, r := range []event.Rule{newRule("c", ">"), newRule("a", "order.created"), newRule("other", "delivery.*"), off, rich} {
		addRule(t, s, r)
	}
	rules := openRules(t, s)
	for _, row := range []struct{ data, alerts, failures string }{
		{`{"n": 1, "user": "kim"}`, "a 1|c 1", ""},
		{`{"n": 10.50, "user": "kim"}`, "a 10.50|c 10.50|rich 10.50", ""},
		{`{"n": "x", "user": "kim"}`, "a x|c x", "rich: condition: no such overload"},
		{`{"n": 11}`, "", "a: notify[0].targets[0]: .data.user is missing or empty|c: notify[0].targets[0]: .data.user is missing or empty|rich: notify[0].targets[0]: .data.user is missing or empty"},
		{``, "", "a: notify[0].targets[0]: .data.user is missing or empty|c: notify[0].targets[0]: .data.user is missing or empty|rich: condition: no such key: n"},
		{`null`, "", "a: notify[0].targets[0]: .data is missing or empty|c: notify[0].targets[0]: .data is missing or empty|rich: condition: no such key: n"},
	} {
		for range 3 { // always the same
			alerts, failures := rules.Apply(t.Context(), orderCreated("e1", row.data))
			kittest.Equal(t, messagesOf(alerts), row.alerts)
			var texts []string
			for _, f := range failures {
				texts = append(texts, f.Rule+": "+f.Reason)
			}
			kittest.Equal(t, strings.Join(texts, "|"), row.failures)
		}
	}
	alerts, failures := rules.Apply(t.Context(), event.Event{ID: "1", Source: "s", Type: "order.created", Data: []byte("no json")})
	kittest.Equal(t, len(alerts), 0)
	kittest.Equal(t, len(failures), 3)
	kittest.Equal(t, strings.HasPrefix(failures[0].Reason, "data is not JSON"), true)
}

// TestChangesApply proves that a rule set sees the changes that others make in the store.
func TestChangesApply(t *testing.T) {
	ctx := t.Context()
	s := openStore(t)
	rules := openRules(t, s)
	apply := func() string {
		t.Helper()
		kittest.NoError(t, rules.Refresh(ctx))
		alerts, failures := rules.Apply(ctx, orderCreated("e1", `{"n": 1, "user": "kim"}`))
		kittest.Equal(t, len(failures), 0)
		return messagesOf(alerts)
	}
	kittest.Equal(t, apply(), "")
	addRule(t, s, newRule("a", "order.*"))
	kittest.Equal(t, apply(), "a 1")
	addRule(t, s, newRule("b", "order.*"))
	kittest.Equal(t, apply(), "a 1|b 1")
	changed := newRule("a", "order.*")
	changed.Message = "changed"
	_, err := s.SetRule(ctx, changed)
	kittest.NoError(t, err)
	kittest.Equal(t, apply(), "changed|b 1")
	changed.Disabled = true
	_, err = s.SetRule(ctx, changed)
	kittest.NoError(t, err)
	kittest.Equal(t, apply(), "b 1")
	kittest.NoError(t, s.DeleteRule(ctx, "b"))
	kittest.Equal(t, apply(), "")
}

// A watchedStore shows when a rule set looks for changes.
type watchedStore struct {
	event.RuleStore
	looks chan struct{}
}

func (s watchedStore) RuleRevision(ctx context.Context) (int64, error) {
	select {
	case s.looks <- struct{}{}:
	case <-ctx.Done():
	}
	return s.RuleStore.RuleRevision(ctx)
}

// TestRunFollows proves that a running rule set applies a change by itself.
func TestRunFollows(t *testing.T) {
	s := watchedStore{openStore(t), make(chan struct{})}
	rules := openRules(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- rules.Run(ctx) }()
	addRule(t, s, newRule("a", "order.*"))
	<-s.looks
	<-s.looks // the look before has ended
	alerts, _ := rules.Apply(ctx, orderCreated("e1", `{"n": 1, "user": "kim"}`))
	kittest.Equal(t, messagesOf(alerts), "a 1")
	cancel()
	kittest.NoError(t, <-done)
}

// TestInvalidStoredRule proves that the events of a rule that cannot be read are not lost.
func TestInvalidStoredRule(t *testing.T) {
	s := openStore(t)
	bad := newRule("bad", "order.*")
	bad.Condition = "nothing("
	worse := newRule("worse", "a..b")
	for _, r := range []event.Rule{bad, worse, newRule("good", "order.*")} {
		addRule(t, s, r)
	}
	rules := openRules(t, s)
	alerts, failures := rules.Apply(t.Context(), orderCreated("e1", `{"n": 1, "user": "kim"}`))
	kittest.Equal(t, messagesOf(alerts), "good 1")
	kittest.Equal(t, len(failures), 2)
	for i, words := range []string{"invalid rule: condition: ", "invalid rule: type: "} {
		if !strings.HasPrefix(failures[i].Reason, words) {
			t.Errorf("%q, want %q", failures[i].Reason, words)
		}
	}
}
