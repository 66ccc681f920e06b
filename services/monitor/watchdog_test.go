package monitor

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

// TestWatchdogWebhook checks that each change of a monitor of Bongsu itself is posted, once, until the
// webhook accepts it, and that no other monitor is.
func TestWatchdogWebhook(t *testing.T) {
	var refused atomic.Bool
	refused.Store(true)
	posted := make(chan map[string]any, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if refused.CompareAndSwap(true, false) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil {
			t.Error(err)
		}
		posted <- fields
	}))
	defer server.Close()
	var logged strings.Builder
	w := NewWatchdog(WatchdogConfig{
		Webhook: server.URL + "/s3cret", Client: server.Client(), Host: "node1", Now: time.Now, Log: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	disk := Monitor{BuiltIn: true, Settings: Settings{Name: "bongsu.disk"}}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w.Observe(Monitor{Settings: Settings{Name: "shop"}}, Status{State: Down})
	w.Observe(disk, Status{State: Up}) // is no change
	w.Observe(disk, Status{State: Down, Reason: "96 %", Since: since})
	kittest.Equal(t, w.paths[0].sendChanges(ctx), false) // is refused
	w.Observe(disk, Status{State: Down, Reason: "97 %", Since: since})
	go func() { ended <- w.Run(ctx) }()
	kittest.Equal(t, <-posted, map[string]any{
		"source": "bongsu", "host": "node1", "monitor": "bongsu.disk", "state": "down", "reason": "97 %", "since": "2026-01-02T03:04:05Z", "text": "Bongsu: bongsu.disk is down: 97 %",
	})
	w.Observe(disk, Status{State: Unknown})
	w.Observe(disk, Status{State: Up, Since: since})
	kittest.Equal(t, (<-posted)["state"], any("up"))
	cancel()
	kittest.NoError(t, <-ended)
	kittest.Equal(t, len(posted), 0)
	kittest.Equal(t, strings.Contains(logged.String(), "--watchdog-webhook") && !strings.Contains(logged.String(), "s3cret"), true)
}

// TestWatchdogUnknown checks that a value that becomes unknown is notified once, and its return too,
// and that one that is down stays so while it is not known.
func TestWatchdogUnknown(t *testing.T) {
	var told []string
	p := newWatchdogPath("", func(_ context.Context, change watchdogState) error {
		told = append(told, change.State)
		return nil
	}, nil)
	w := &Watchdog{paths: []*watchdogPath{p}}
	ledger := Monitor{BuiltIn: true, Settings: Settings{Name: "bongsu.ledger-latency"}}
	for _, state := range []State{Up, Unknown, Unknown, Up, Down, Unknown, Up, Unknown, Down, Up} {
		w.Observe(ledger, Status{State: state})
		kittest.Equal(t, p.sendChanges(t.Context()), true)
	}
	kittest.Equal(t, strings.Join(told, " "), "unknown up down up unknown down up")

	told = nil
	p.sent = map[string]State{} // of a new process
	ledger.Status.State = Unknown
	w.Observe(ledger, Status{State: Up})
	kittest.Equal(t, p.sendChanges(t.Context()) && len(told) == 1, true)
}

// TestWatchdogMail checks the mail of changes: each attempt of one has the same id, and others have
// other ids.
func TestWatchdogMail(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	down := watchdogState{Host: "node1", Name: "bongsu.disk", State: "down", Text: "Bongsu: bongsu.disk is down: 96 %", Since: since, state: Down}
	later := down
	later.Reason, later.Text = "97 %", "Bongsu: bongsu.disk is down: 97 %"
	other := down
	other.Name = "bongsu.queue"
	first := down.mail("smtp://relay", "ops@example.com")
	kittest.Equal(t, [3]string{first.Title, first.Severity, first.Destination}, [3]string{"Bongsu: bongsu.disk is down: 96 %", "critical", "ops@example.com"})
	kittest.Equal(t, strings.Contains(first.Text, "since 2026-01-02 03:04:05 UTC\non node1\n"), true)
	kittest.Equal(t, first.DeliveryID > 0 && first.DeliveryID == later.mail("", "").DeliveryID && first.DeliveryID != other.mail("", "").DeliveryID, true)
}
