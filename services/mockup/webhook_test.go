package mockup_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// signed returns the headers of a request, at noon.
func signed(id string) []string {
	return []string{"webhook-id", id, "webhook-timestamp", strconv.FormatInt(noon.Unix(), 10), "webhook-signature", "v1," + strings.Repeat("A", 43) + "="}
}

func TestWebhookTakesACall(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	for _, c := range []struct{ path, id, want string }{
		{"/hook/1", "a", `{"received":true,"duplicate":false}`},
		{"/hook/1", "a", `{"received":true,"duplicate":true}`},
		{"/hook/1", "b", `{"received":true,"duplicate":false}`},
		{"/hook/1/2/3?key=4", "a", `{"received":true,"duplicate":false}`},
	} {
		if status, answer, _ := postTo(t, server, c.path, `{"type":"alert"}`, signed(c.id)...); status != http.StatusOK || answer != c.want {
			t.Errorf("%s %s: %d %s", c.path, c.id, status, answer)
		}
	}
	if status, _, _ := postTo(t, server, "/hook/2", `{}`, signed("a")[:4]...); status != http.StatusOK {
		t.Errorf("unsigned: %d", status)
	}
	if calls := m.Calls("/hook/1/2/3"); len(calls) != 1 || calls[0].Query != "key=4" {
		t.Errorf("recorded %v", calls)
	}
}

func TestWebhookRefuses(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	for name, c := range map[string]struct {
		body    string
		headers []string
		now     time.Time
		want    int
	}{
		"no id":        {"{}", signed("a")[2:], noon, 400},
		"no time":      {"{}", []string{"webhook-id", "a"}, noon, 400},
		"bad time":     {"{}", []string{"webhook-id", "a", "webhook-timestamp", "noon"}, noon, 400},
		"old":          {"{}", signed("a"), noon.Add(6 * time.Minute), 401},
		"of tomorrow":  {"{}", signed("a"), noon.Add(-6 * time.Minute), 401},
		"no signature": {"{}", append(signed("a")[:4], "webhook-signature", "v1,short"), noon, 401},
		"no JSON":      {"hello", signed("a"), noon, 400},
		"huge":         {strings.Repeat(" ", 256<<10) + "{}", signed("a"), noon, 413},
	} {
		m.Now = func() time.Time { return c.now }
		if status, answer, _ := postTo(t, server, "/hook/1", c.body, c.headers...); status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, answer, c.want)
		}
	}
}

// TestWebhookLimit verifies that an endpoint returns a date in Retry-After.
func TestWebhookLimit(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	m.SetLimited(true)
	for i := range 10 {
		if status, _, _ := postTo(t, server, "/hook/1", "{}", signed(strconv.Itoa(i))...); status != http.StatusOK {
			t.Fatalf("call %d: %d", i, status)
		}
	}
	status, _, header := postTo(t, server, "/hook/1", "{}", signed("a")...)
	at, err := http.ParseTime(header.Get("Retry-After"))
	if status != http.StatusTooManyRequests || err != nil || !at.After(noon) {
		t.Errorf("call 11: %d %v", status, header)
	}
	if status, _, _ := postTo(t, server, "/hook/2", "{}", signed("a")...); status != http.StatusOK {
		t.Errorf("another endpoint: %d", status)
	}
}
