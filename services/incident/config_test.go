package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

func TestRetentionSetting(t *testing.T) {
	for text, want := range map[string]time.Duration{"forever": 0, "0": 0, "1d": 24 * time.Hour, "90d": 90 * 24 * time.Hour, "36h": 36 * time.Hour} {
		got, err := incident.Config{KeepIncidents: text}.Retention()
		kittest.NoError(t, err)
		kittest.Equal(t, got, want)
	}
	for _, text := range []string{"", "23h", "-1d", "x", "1"} {
		if _, err := (incident.Config{KeepIncidents: text}).Retention(); err == nil || !strings.Contains(err.Error(), "--keep-incidents") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestRetention checks that incidents are deleted at the end of their retention.
func TestRetention(t *testing.T) {
	t.Parallel()
	h := newHandler(t, 3)
	deleted := make(chan int, 10)
	store, ok := h.Incidents.(incident.Store)
	kittest.Equal(t, ok, true)
	r := &incident.Retention{Incidents: store, Retention: 24 * time.Hour, OnDelete: func(n int) { deleted <- n }, Now: func() time.Time { return at(3).Add(24 * time.Hour) }, Log: quiet}
	run(t, r.Run)
	kittest.Equal(t, receive(t, deleted), 2) // the third changed 3 seconds after the begin
	left, err := h.Incidents.Page(t.Context(), incident.Query{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, len(left), 1)
}
