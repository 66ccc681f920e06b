package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/redact"
)

const (
	// watchdogTimeout is the timeout of a call of a watchdog.
	watchdogTimeout = 10 * time.Second
	// watchdogRetry is the time between two attempts to send the state of a monitor.
	watchdogRetry = 5 * time.Second
	// watchdogInterval is the time between two outgoing heartbeats.
	watchdogInterval = time.Minute
	// watchdogKey is the name whose owner among several processes sends the outgoing heartbeat.
	watchdogKey = systemPrefix + "watchdog"
)

// A WatchdogConfig is the configuration of a watchdog.
type WatchdogConfig struct {
	Webhook   string // gets the changes; empty for none. It may hold a secret
	Heartbeat string // is called while all is well; empty for none. It may hold a secret
	Client    *http.Client
	Results   Results
	Shards    Shards
	Host      string // the name of this machine, for people
	Now       func() time.Time
	Log       *slog.Logger
}

// A Watchdog tells another system of the monitors of Bongsu itself, over another path than alerts: it
// posts each change between up and down to a webhook, and calls a URL every minute while all is well,
// so that silence is noticed too.
type Watchdog struct {
	WatchdogConfig

	mu     sync.Mutex
	latest map[string]watchdogState // by name
	sent   map[string]State         // the last state that was sent, or need not be, by name
	wake   chan struct{}            // has a value if there may be something to send
}

// NewWatchdog returns a watchdog.
func NewWatchdog(c WatchdogConfig) *Watchdog {
	return &Watchdog{WatchdogConfig: c, latest: map[string]watchdogState{}, sent: map[string]State{}, wake: make(chan struct{}, 1)}
}

// A watchdogState is the JSON of a change.
type watchdogState struct {
	Source string    `json:"source"` // "bongsu"
	Host   string    `json:"host"`
	Name   string    `json:"monitor"`
	State  string    `json:"state"` // "down" or "up"
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
	// Text is for chats that show the field of this name.
	Text  string `json:"text"`
	state State
}

// Observe takes the status of a monitor after a result. It does not block.
func (w *Watchdog) Observe(m Monitor, s Status) {
	name := m.Settings.Name
	if w.Webhook == "" || !m.BuiltIn || !strings.HasPrefix(name, systemPrefix) || s.State != Up && s.State != Down {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.sent[name]; !known { // the first result in this process
		w.sent[name] = Up
		if s.State == Up && m.Status.State == Down {
			w.sent[name] = Down
		}
	}
	change := watchdogState{Source: "bongsu", Host: w.Host, Name: name, State: "up", Since: s.Since.UTC(), Reason: s.Reason, state: s.State}
	change.Text = fmt.Sprintf("Bongsu: %s is up again", name)
	if s.State == Down {
		change.State, change.Text = "down", fmt.Sprintf("Bongsu: %s is down: %s", name, s.Reason)
	}
	w.latest[name] = change
	if w.sent[name] == s.State {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run sends changes and heartbeats until ctx ends.
func (w *Watchdog) Run(ctx context.Context) error {
	retry := time.NewTicker(watchdogRetry)
	defer retry.Stop()
	beat := time.NewTicker(watchdogInterval)
	defer beat.Stop()
	w.beat(ctx)
	for {
		select {
		case <-w.wake:
			w.sendChanges(ctx)
		case <-retry.C: // also of what changed while it was sent
			w.sendChanges(ctx)
		case <-beat.C:
			w.beat(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// sendChanges sends the states that differ from those that were sent. A monitor that changed back
// meanwhile is not sent.
func (w *Watchdog) sendChanges(ctx context.Context) {
	for _, change := range w.changes() {
		if err := w.post(ctx, change); err != nil {
			if ctx.Err() == nil {
				w.Log.WarnContext(ctx, "sending a change to the webhook of the watchdog failed; retrying", "flag", "--watchdog-webhook", "monitor", change.Name, "error", err)
			}
			continue
		}
		w.mu.Lock()
		w.sent[change.Name] = change.state
		w.mu.Unlock()
	}
}

// changes returns the states to send, by name.
func (w *Watchdog) changes() (changes []watchdogState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.latest)) {
		if change := w.latest[name]; change.state != w.sent[name] {
			changes = append(changes, change)
		}
	}
	return changes
}

// post sends a change.
func (w *Watchdog) post(ctx context.Context, change watchdogState) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return w.call(ctx, http.MethodPost, w.Webhook, body)
}

// beat calls the URL of the outgoing heartbeat, if all is well.
func (w *Watchdog) beat(ctx context.Context) {
	if w.Heartbeat == "" || !w.Shards.Owns(watchdogKey) {
		return
	}
	err := w.check(ctx)
	if err == nil {
		err = w.call(ctx, http.MethodPost, w.Heartbeat, nil)
	}
	if err != nil && ctx.Err() == nil {
		w.Log.WarnContext(ctx, "no heartbeat sent", "flag", "--watchdog-heartbeat", "error", err)
	}
}

// check returns why not all is well, or nil.
func (w *Watchdog) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchdogTimeout)
	defer cancel()
	all, err := w.Results.Statuses(ctx)
	if err != nil {
		return err
	}
	now := w.Now()
	for _, m := range all {
		if !strings.HasPrefix(m.Settings.Name, systemPrefix) {
			continue
		}
		if m.Status.State == Down {
			return fmt.Errorf("monitor %s is down", m.Settings.Name)
		}
		if last := m.Status.Last.Time; !last.IsZero() && m.Status.State != Paused && now.Sub(last) > watchdogLate {
			return fmt.Errorf("monitor %s has had no result for %s", m.Settings.Name, now.Sub(last).Round(time.Second))
		}
	}
	return nil
}

// watchdogLate is the age of the last result of a monitor of Bongsu itself above which checks do not
// run. It is above the maximum interval that a built-in monitor has by default.
const watchdogLate = 10 * systemInterval

// call makes a request, which must succeed. Its errors have no URL.
func (w *Watchdog) call(ctx context.Context, method, url string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, watchdogTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return errors.New("invalid URL")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := w.Client.Do(req)
	if err != nil {
		return redact.Error(err, url)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("status %s", res.Status)
	}
	return nil
}
