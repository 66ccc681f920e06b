package monitor_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
	"github.com/bongsu-project/bongsu/services/monitor/store"
)

// TestRetention advances the clock by hours: results are summed up when their hour is over, and deleted
// at the end of their retention, as the hours are at the end of theirs.
func TestRetention(t *testing.T) {
	path := t.TempDir() + "/monitor.db"
	synctest.Test(t, func(t *testing.T) {
		const keepResults, keepUptime, minutes = 24 * time.Hour, 48 * time.Hour, 30 * 60
		s, err := store.Open(t.Context(), path)
		kittest.NoError(t, err)
		defer s.Close()
		m, err := s.Create(t.Context(), monitor.Monitor{Settings: monitor.Settings{Name: "web", Check: &probe.HTTP{URL: "https://example.com/"}}})
		kittest.NoError(t, err)
		begin := time.Now()
		var results []monitor.MonitorResult
		for n := range minutes {
			at := begin.Add(time.Duration(n) * time.Minute)
			results = append(results, monitor.MonitorResult{ID: m.ID, Result: monitor.Result{Time: at, Finding: probe.Finding{Outcome: probe.Passed}}})
		}
		_, err = s.Record(t.Context(), results, func(m monitor.Monitor, _ monitor.Result) (monitor.Status, []monitor.Notice) { return m.Status, nil })
		kittest.NoError(t, err)

		var deleted atomic.Int64
		r := &monitor.RetentionLoop{
			Store: s, Results: keepResults, Uptime: keepUptime, OnDelete: func(n int) { deleted.Add(int64(n)) }, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		for _, step := range []struct {
			at             time.Duration
			results, hours int
		}{
			{23 * time.Hour, minutes, 30},
			{25*time.Hour + 2*time.Minute, minutes - 60, 30},
			{48*time.Hour + 2*time.Minute, minutes - 24*60, 30},
			{72*time.Hour - time.Minute, 60, 30}, // the last results stay with the status
			{72*time.Hour + 2*time.Minute, 60, 6},
			{100 * time.Hour, 60, 0},
		} {
			time.Sleep(time.Until(begin.Add(step.at)))
			synctest.Wait()
			left, err := s.ListResults(t.Context(), monitor.ResultQuery{ID: m.ID, Limit: 2 * minutes})
			kittest.NoError(t, err)
			hours, err := s.ListUptime(t.Context(), m.ID, monitor.Hour, time.Time{})
			kittest.NoError(t, err)
			kittest.Equal(t, [2]int{len(left), len(hours)}, [2]int{step.results, step.hours})
			pending, err := s.SumUp(t.Context(), time.Now().Add(-5*time.Minute), 1)
			kittest.NoError(t, err)
			kittest.Equal(t, pending, false)
		}
		stop()
		kittest.NoError(t, <-ended)
		kittest.Equal(t, deleted.Load(), int64(29+2)) // blocks and days
	})
}

func TestRetentionSettings(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{"7d": 7 * day, "1d": day, "36h": 36 * time.Hour, "forever": 0, "0": 0} {
		results, uptime, err := monitor.Config{KeepResults: text, KeepUptime: text}.Retention()
		if err != nil || results != want || uptime != want {
			t.Errorf("%s: %s, %s, %v; want %s", text, results, uptime, err, want)
		}
	}
	for _, text := range []string{"", "12h", "-1d", "seven"} {
		for flag, c := range map[string]monitor.Config{"--keep-results": {KeepResults: text, KeepUptime: "1d"}, "--keep-uptime": {KeepResults: "1d", KeepUptime: text}} {
			if _, _, err := c.Retention(); err == nil || !strings.Contains(err.Error(), flag) {
				t.Errorf("%s=%s: %v", flag, text, err)
			}
		}
	}
}

func TestConcurrencyBounds(t *testing.T) {
	for n, valid := range map[int]bool{-1: false, 0: false, 1: true, 200: true, 10000: true, 10001: false} {
		if err := (monitor.Config{Concurrency: n}).CheckBounds(); (err == nil) != valid {
			t.Errorf("%d: %v", n, err)
		}
	}
}
