package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestEvents publishes events to a whole process: each that matches the rule records one alert,
// with the numbers as they were written.
func TestEvents(t *testing.T) {
	url, stop := serve()
	defer stop()
	const rule = `{"name":"paid","type":"order.*","message":"{{.subject}}: {{.data.total}}","notify":[{"targets":["@user1"]}]}`
	if got := exchange(t, http.MethodPost, url+"/v1/event-rules", rule); !strings.Contains(got, `"revision"`) {
		t.Fatal(got)
	}
	for _, step := range []struct{ body, want string }{
		{`{"id":"1","source":"shop","type":"order.paid","subject":"order-1","data":{"total":12.50}}`, "STORED"},
		{`{"id":"1","source":"shop","type":"order.paid","subject":"order-1","data":{"total":12.50}}`, "DUPLICATE"},
		{`{"id":"2","source":"shop","type":"order.paid","subject":"order-1","data":{}}`, "STORED"},
		{`{"id":"3","source":"shop","type":"order.paid","subject":"order-1","data":{"total":7}}`, "STORED"},
	} {
		if got := exchange(t, http.MethodPost, url+"/v1/events", step.body); !strings.Contains(got, "PUBLISH_OUTCOME_"+step.want) {
			t.Fatalf("%s: %s", step.body, got)
		}
	}
	deadline := time.Now().Add(20 * time.Second)
	alerts := ""
	for !strings.Contains(alerts, "order-1: 7") {
		if time.Now().After(deadline) {
			t.Fatalf("no alert for the last event within 20 s: %s", alerts)
		}
		<-time.After(50 * time.Millisecond) // the address limit
		alerts = exchange(t, http.MethodGet, url+"/v1/alerts", "")
	}
	if n := strings.Count(alerts, `"order-1: `); n != 2 || !strings.Contains(alerts, `"order-1: 12.50"`) {
		t.Errorf("%d alerts: %s", n, alerts)
	}
	if letters := exchange(t, http.MethodGet, url+"/v1/dead-letters", ""); strings.Count(letters, `"reason"`) != 1 || !strings.Contains(letters, `"id":"2"`) {
		t.Error(letters)
	}
}
