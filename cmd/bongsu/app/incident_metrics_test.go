package app

import (
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
	incidentstore "github.com/bongsu-project/bongsu/services/incident/store"
)

// TestIncidentGauges checks that scrapes read the incident database at most once in ten seconds,
// that silences are counted by their state, and that the gauges are omitted if the database does
// not respond.
func TestIncidentGauges(t *testing.T) {
	store, err := incidentstore.Open(t.Context(), filepath.Join(t.TempDir(), "incident.db"))
	kittest.NoError(t, err)
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	silence := func(start, end time.Duration) {
		t.Helper()
		s := incident.Silence{Matchers: []string{`host="db1"`}, Start: now.Add(start), End: now.Add(end), CreateTime: now, Reason: "r"}
		_, err := store.AddSilence(t.Context(), s, now.Add(-time.Hour), 100)
		kittest.NoError(t, err)
	}
	m, err := newMetrics()
	kittest.NoError(t, err)
	kittest.NoError(t, m.registerIncidents(store, func() time.Time { return now }, slog.New(slog.DiscardHandler)))
	values := regexp.MustCompile(`(?m)^bongsu_incident_.+$`)
	scrape := func(want ...string) {
		t.Helper()
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		got := values.FindAllString(w.Body.String(), -1)
		slices.Sort(got)
		kittest.Equal(t, got, want)
	}
	gauges := func(active, pending string) []string {
		return []string{
			`bongsu_incident_open{state="acknowledged"} 0`, `bongsu_incident_open{state="firing"} 0`,
			`bongsu_incident_silences{state="active"} ` + active, `bongsu_incident_silences{state="pending"} ` + pending,
		}
	}
	scrape(gauges("0", "0")...)

	silence(0, time.Hour)
	silence(0, 30*time.Second)
	silence(20*time.Second, time.Hour)
	now = now.Add(9 * time.Second)
	scrape(gauges("0", "0")...)
	now = now.Add(time.Second)
	scrape(gauges("2", "1")...)
	now = now.Add(10 * time.Second)
	scrape(gauges("3", "0")...)
	now = now.Add(10 * time.Second)
	scrape(gauges("2", "0")...)

	kittest.NoError(t, store.Close())
	now = now.Add(10 * time.Second)
	scrape()
	kittest.NoError(t, m.Close())
}
