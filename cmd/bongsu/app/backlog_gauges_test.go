package app

import (
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// TestGauges checks that scrapes read the ledger at most once in ten seconds, and omit
// its gauges if the ledger does not respond.
func TestGauges(t *testing.T) {
	store, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	add := func(age time.Duration, keys ...string) {
		t.Helper()
		a := alert.Alert{Severity: "normal", Message: "m", CreateTime: now.Add(-age), ExpireTime: now.Add(time.Hour)}
		var ds []alert.Delivery
		for _, key := range keys {
			ds = append(ds, alert.Delivery{Nickname: "kim", Messenger: "slack", CredentialFingerprint: key, State: alert.Queued})
		}
		if _, err := store.AddAlert(t.Context(), a, ds, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := newMetrics()
	if err != nil {
		t.Fatal(err)
	}
	reports := []ratelimit.KeyReport{
		{Key: "slack.credential.a", KeyStatus: ratelimit.KeyStatus{PausedUntil: now.Add(time.Minute)}},
		{Key: "slack.destination.b", KeyStatus: ratelimit.KeyStatus{PausedUntil: now.Add(time.Minute)}},
		{Key: "slack.credential.c", BrokenUntil: now.Add(time.Second)},
		{Key: "slack.credential.d", NextSlot: now.Add(time.Second)},
	}
	err = m.registerBacklog(&backlogGauges{
		counter: store, limiterKeys: func() []ratelimit.KeyReport { return reports }, now: func() time.Time { return now },
		specs: []messenger.Spec{{Name: "slack"}, {Name: "sms"}}, log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	values := regexp.MustCompile(`(?m)^bongsu_alert_(.+)\{messenger="(.+)"\} (\S+)$`)
	scrape := func(want ...string) {
		t.Helper()
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		var got []string
		for _, v := range values.FindAllStringSubmatch(w.Body.String(), -1) {
			got = append(got, strings.Join(v[1:], " "))
		}
		slices.Sort(want)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	keyGauges := []string{"paused_keys slack 2", "paused_keys sms 0", "open_breakers slack 1", "open_breakers sms 0"}
	sms := []string{"deliveries_queued sms 0", "deliveries_due sms 0", "oldest_delivery_age_seconds sms 0"}
	idle := []string{"deliveries_queued slack 0", "deliveries_due slack 0", "oldest_delivery_age_seconds slack 0"}
	scrape(slices.Concat(keyGauges, sms, idle)...)

	add(time.Minute, "a", "a", "b")
	add(time.Hour, "c")
	now = now.Add(9 * time.Second)
	scrape(slices.Concat(keyGauges, sms, idle)...)
	now = now.Add(time.Second)
	busy := []string{"deliveries_queued slack 4", "deliveries_due slack 4", "oldest_delivery_age_seconds slack 3610"}
	scrape(slices.Concat(keyGauges, sms, busy)...)
	add(0, "d")
	now = now.Add(5 * time.Second)
	busy[2] = "oldest_delivery_age_seconds slack 3615"
	scrape(slices.Concat(keyGauges, sms, busy)...)

	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(backlogMaxAge)
	scrape(keyGauges...)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}
