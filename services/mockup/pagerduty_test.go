package mockup_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const pagerDutyEvent = `{"routing_key":"0123456789abcdef0123456789abcdef","event_action":"trigger","dedup_key":"bongsu-7",` +
	`"payload":{"summary":"[high] node1 down","source":"bongsu","severity":"error"},"links":[{"href":"https://h/1"}]}`

func TestPagerDutyTakesAnEvent(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	for i, duplicate := range []string{"", "true"} {
		status, answer, header := postTo(t, server, "/v2/enqueue", pagerDutyEvent)
		if status != http.StatusAccepted || answer != `{"status":"success","message":"Event processed","dedup_key":"bongsu-7"}` || header.Get("Mockup-Duplicate") != duplicate {
			t.Errorf("call %d: %d %v %s", i, status, header, answer)
		}
	}
	other := strings.Replace(pagerDutyEvent, "0123456789abcdef01", "0123456789abcdef99", 1)
	if _, _, header := postTo(t, server, "/v2/enqueue", other); header.Get("Mockup-Duplicate") != "" {
		t.Error("another key's alert is taken for the same")
	}
	nameless := strings.Replace(pagerDutyEvent, `"dedup_key":"bongsu-7",`, "", 1)
	for range 2 {
		if _, answer, header := postTo(t, server, "/v2/enqueue", nameless); header.Get("Mockup-Duplicate") != "" || !strings.Contains(answer, `"dedup_key":"`) {
			t.Errorf("without a dedup_key: %s", answer)
		}
	}
	if len(m.Calls("/v2/enqueue")) != 5 {
		t.Errorf("recorded %d calls", len(m.Calls("")))
	}
}

// TestPagerDutyResolves verifies that a resolve and an acknowledge are accepted, and that those
// with a dedup_key of no incident are recorded, change nothing, and can be distinguished from others.
func TestPagerDutyResolves(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	resolve := `{"routing_key":"0123456789abcdef0123456789abcdef","event_action":"resolve","dedup_key":"bongsu-7"}`
	acknowledge := strings.Replace(resolve, `"resolve"`, `"acknowledge"`, 1)
	events := []struct{ event, duplicate, unknown string }{
		{resolve, "", "true"},
		{acknowledge, "", "true"},
		{pagerDutyEvent, "", ""},
		{pagerDutyEvent, "true", ""},
		{resolve, "", ""},
		{resolve, "true", ""},
		{pagerDutyEvent, "", ""},
		{strings.Replace(resolve, "bongsu-7", "bongsu-8", 1), "", "true"},
		{strings.Replace(acknowledge, "0123456789abcdef01", "0123456789abcdef99", 1), "", "true"},
	}
	for i, c := range events {
		status, answer, header := postTo(t, server, "/v2/enqueue", c.event)
		if status != http.StatusAccepted || !strings.HasPrefix(answer, `{"status":"success","message":"Event processed",`) {
			t.Errorf("call %d: %d %s", i, status, answer)
		}
		if header.Get("Mockup-Duplicate") != c.duplicate || header.Get("Mockup-Unknown-Key") != c.unknown {
			t.Errorf("call %d: %v", i, header)
		}
	}
	if n := len(m.Calls("/v2/enqueue")); n != len(events) {
		t.Errorf("recorded %d of %d calls", n, len(events))
	}
	if all := m.Messages("pagerduty", ""); len(all) != 2 { // bongsu-7 was triggered anew after its resolve
		t.Errorf("incidents %v", all)
	}
}

// TestPagerDutyIncidents verifies the incidents that events open and change.
func TestPagerDutyIncidents(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	event := func(action string) string { return strings.Replace(pagerDutyEvent, "trigger", action, 1) }
	for i, c := range []struct{ action, want string }{
		{"trigger", "bongsu-7 triggered 0"}, {"acknowledge", "bongsu-7 acknowledged 1"}, {"trigger", "bongsu-7 acknowledged 2"},
		{"resolve", "bongsu-7 resolved 3"}, {"acknowledge", "bongsu-7 resolved 3"},
		{"trigger", "bongsu-7 resolved 3, bongsu-7 2 triggered 0"}, {"resolve", "bongsu-7 resolved 3, bongsu-7 2 resolved 1"},
	} {
		if status, answer, _ := postTo(t, server, "/v2/enqueue", event(c.action)); status != http.StatusAccepted {
			t.Fatalf("event %d: %d %s", i, status, answer)
		}
		var got []string
		for _, v := range m.Messages("pagerduty", "0123456789abcdef0123456789abcdef") {
			got = append(got, fmt.Sprint(v.ID, " ", v.State, " ", v.ChangeCount))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("event %d, %s: %q, want %q", i, c.action, got, c.want)
		}
	}
}

func TestPagerDutyRefuses(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	for _, c := range []struct{ old, by, want string }{
		{`{"routing_key"`, `"routing_key"`, `"message":"Event object is not a valid JSON object"`},
		{`"severity":"error"`, `"severity":7`, `"message":"Event object is not a valid JSON object"`},
		{"0123456789abcdef0123456789abcdef", "short", `"errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]`},
		{"0123456789abcdef", "0123456789-bcdef", `"errors":["'routing_key' cannot contain non-alphanumeric characters."]`},
		{"trigger", "shout", `"errors":["'event_action' is not one of`},
		{"bongsu-7", strings.Repeat("7", 256), `"errors":["'dedup_key' is too long`},
		{"[high] node1 down", "", `"errors":["'payload.summary' is missing or blank"]`},
		{"[high] node1 down", strings.Repeat("봉", 1025), `"errors":["'summary' is too long (maiximum is 1024 characters)"]`},
		{`"source":"bongsu"`, `"source":""`, `"errors":["'payload.source' is missing or blank"]`},
		{`"severity":"error"`, `"severity":"high"`, `"errors":["'payload.severity' is invalid`},
		{"https://h/1", "", `"errors":["'links.href' is missing or blank"]`},
	} {
		status, answer, _ := postTo(t, server, "/v2/enqueue", strings.Replace(pagerDutyEvent, c.old, c.by, 1))
		if status != http.StatusBadRequest || !strings.HasPrefix(answer, `{"status":"invalid event",`) || !strings.Contains(answer, c.want) {
			t.Errorf("%s for %s: %d %s", c.by, c.old, status, answer)
		}
	}
	if status, _, _ := postTo(t, server, "/v2/enqueue", strings.Repeat(" ", 256<<10)+pagerDutyEvent); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge event: %d", status)
	}
}

func TestPagerDutyLimit(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	now := noon
	m.Now = func() time.Time { return now }
	m.SetLimited(true)
	for i := range 120 {
		if status, _, _ := postTo(t, server, "/v2/enqueue", pagerDutyEvent); status != http.StatusAccepted {
			t.Fatalf("event %d: %d", i, status)
		}
	}
	if status, answer, _ := postTo(t, server, "/v2/enqueue", pagerDutyEvent); status != http.StatusTooManyRequests || !strings.HasPrefix(answer, `{"status":"throttle exceeded",`) {
		t.Errorf("event 121: %d %s", status, answer)
	}
	now = now.Add(time.Second)
	if status, _, _ := postTo(t, server, "/v2/enqueue", pagerDutyEvent); status != http.StatusAccepted {
		t.Errorf("a second later: %d", status)
	}
}
