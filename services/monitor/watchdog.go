package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/redact"
)

const (
	// watchdogTimeout is the timeout of a call of a watchdog.
	watchdogTimeout = 10 * time.Second
	// watchdogInterval is the time between two outgoing heartbeats.
	watchdogInterval = time.Minute
	// watchdogKey is the name whose owner among several processes sends the outgoing heartbeat.
	watchdogKey = systemPrefix + "watchdog"
)

// A WatchdogConfig is the configuration of a watchdog.
type WatchdogConfig struct {
	Webhook   string // gets the changes; empty for none. It may hold a secret
	Heartbeat string // is called while no monitor is down or unknown; empty for none. It may hold a secret
	Client    *http.Client
	Mail      WatchdogMail
	Results   Results
	Shards    Shards
	Host      string // the name of this machine, for people
	Now       func() time.Time
	Log       *slog.Logger
}

// A Watchdog notifies another system of changes of the monitors of Bongsu itself, over other paths than
// alerts: it sends each change between up, down and unknown to a webhook and by mail, and calls a URL
// every minute while none of them is down or unknown, so that its absence is noticed too.
type Watchdog struct {
	WatchdogConfig

	paths []*watchdogPath
}

// NewWatchdog returns a watchdog.
func NewWatchdog(c WatchdogConfig) *Watchdog {
	w := &Watchdog{WatchdogConfig: c}
	if c.Webhook != "" {
		w.paths = append(w.paths, newWatchdogPath("--watchdog-webhook", w.post, c.Log))
	}
	for _, to := range c.Mail.To {
		w.paths = append(w.paths, newWatchdogPath("--watchdog-mail", func(ctx context.Context, change watchdogState) error {
			return c.Mail.send(ctx, to, change)
		}, c.Log))
	}
	return w
}

// A watchdogState is the JSON of a change.
type watchdogState struct {
	Source string    `json:"source"` // "bongsu"
	Host   string    `json:"host"`
	Name   string    `json:"monitor"`
	State  string    `json:"state"` // "down", "up" or "unknown"
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
	// Text is for chats that show the field of this name.
	Text  string `json:"text"`
	state State
}

// Observe takes the status of a monitor after a result. It does not block.
func (w *Watchdog) Observe(m Monitor, s Status) {
	name := m.Settings.Name
	if !m.BuiltIn || !strings.HasPrefix(name, systemPrefix) {
		return
	}
	change := watchdogState{Source: "bongsu", Host: w.Host, Name: name, Since: s.Since.UTC(), Reason: s.Reason, state: s.State}
	switch s.State { //nolint:exhaustive // nobody is notified of the others
	case Up:
		change.State, change.Text = "up", fmt.Sprintf("Bongsu: %s is up again", name)
	case Down:
		change.State, change.Text = "down", fmt.Sprintf("Bongsu: %s is down: %s", name, s.Reason)
	case Unknown:
		change.State, change.Text = "unknown", fmt.Sprintf("Bongsu: %s is unknown: %s", name, s.Reason)
	default:
		return
	}
	for _, p := range w.paths {
		p.observe(m.Status.State, change)
	}
}

// Run sends changes and heartbeats until ctx ends.
func (w *Watchdog) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for _, p := range w.paths {
		running.Go(func() { p.run(ctx) })
	}
	ticker := time.NewTicker(watchdogInterval)
	defer ticker.Stop()
	w.sendHeartbeat(ctx)
	for {
		select {
		case <-ticker.C:
			w.sendHeartbeat(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// post sends a change to the webhook.
func (w *Watchdog) post(ctx context.Context, change watchdogState) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return w.call(ctx, http.MethodPost, w.Webhook, body)
}

// sendHeartbeat calls the URL of the outgoing heartbeat, if check returns nil.
func (w *Watchdog) sendHeartbeat(ctx context.Context) {
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

// check returns an error that names a monitor that is down, unknown or without a recent result, or nil.
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
		switch m.Status.State { //nolint:exhaustive // the others are no failures
		case Down:
			return fmt.Errorf("monitor %s is down", m.Settings.Name)
		case Unknown:
			return fmt.Errorf("monitor %s is unknown", m.Settings.Name)
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
