package mockup_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNtfyPublishes(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	status, answer, _ := postTo(t, server, "/alerts", "[high] 노드1 장애", "Title", "=?utf-8?b?64W465OcMQ==?=", "Priority", "4", "Tags", "warning,skull",
		"Click", "https://example.com/1", "Authorization", "Bearer tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2")
	var got map[string]any
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s: %v", status, answer, err)
	}
	for name, want := range map[string]any{"event": "message", "topic": "alerts", "title": "노드1", "message": "[high] 노드1 장애", "priority": 4.0, "click": "https://example.com/1"} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if got["id"] == "" || len(got["tags"].([]any)) != 2 || len(m.Calls("/alerts")) != 1 {
		t.Errorf("%v", got)
	}
	if _, answer, _ = postTo(t, server, "/alerts", " "); !strings.Contains(answer, `"message":"triggered"`) {
		t.Errorf("an empty message: %s", answer)
	}
}

func TestNtfyRefuses(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	for _, c := range []struct {
		path, body string
		headers    []string
		want       string
	}{
		{"/alerts", "x", []string{"Authorization", "Bearer nonsense"}, `{"code":40101,"http":401,"error":"unauthorized"`},
		{"/alerts", "x", []string{"Authorization", "Basic YTpi"}, `{"code":40101,"http":401,`},
		{"/a.b", "x", nil, `{"code":40401,"http":404,`},
		{"/docs", "x", nil, `{"code":40010,"http":400,`},
		{"/alerts", "x", []string{"Priority", "6"}, `{"code":40007,"http":400,`},
		{"/alerts", "x", []string{"Priority", "soon"}, `{"code":40007,"http":400,`},
		{"/alerts", "x", []string{"Title", strings.Repeat("x", 1025)}, `{"code":40000,"http":400,`},
		{"/alerts", "x", []string{"Tags", strings.Repeat("x", 513)}, `{"code":40000,"http":400,`},
		{"/alerts", strings.Repeat("x", 4097), nil, `{"code":40014,"http":400,"error":"invalid request: attachments not allowed"`},
		{"/alerts", "x", []string{"X-Sequence-ID", "a b"}, `{"code":40049,"http":400,"error":"invalid request: sequence ID invalid"`},
		{"/alerts", "x", []string{"Actions", `[{"action":"view","label":"Open"}]`}, `{"code":40018,"http":400,`},
		{"/alerts", "x", []string{"Actions", `view, Open, https://example.com`}, `{"code":40018,"http":400,`},
		{"/alerts", "\xff", nil, `{"code":40011,"http":400,`},
	} {
		status, answer, _ := postTo(t, server, c.path, c.body, c.headers...)
		if !strings.HasPrefix(answer, c.want) || status == http.StatusOK {
			t.Errorf("%s %.40q %.60q: %d %s, want %s", c.path, c.body, c.headers, status, answer, c.want)
		}
	}
}

// TestNtfySequences verifies that a topic shows the last message of each sequence.
func TestNtfySequences(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	for _, c := range [][2]string{{"one", "a"}, {"two", "b"}, {"one", "c"}} {
		if status, answer, _ := postTo(t, server, "/alerts", c[1], "X-Sequence-ID", c[0]); status != http.StatusOK || !strings.Contains(answer, `"sequence_id":"`+c[0]+`"`) {
			t.Fatalf("%d %s", status, answer)
		}
	}
	postTo(t, server, "/alerts", "d")
	postTo(t, server, "/others", "e", "X-Sequence-ID", "one")
	shown := func() (texts string) {
		for _, v := range m.Messages("ntfy", "alerts") {
			texts += v.Text
		}
		return texts
	}
	if got := shown(); got != "cbd" {
		t.Errorf("shown %q", got)
	}
	if len(m.Calls("/alerts")) != 4 {
		t.Errorf("recorded %d calls", len(m.Calls("/alerts")))
	}
	m.Reset()
	if got := shown(); got != "" {
		t.Errorf("after a reset: %q", got)
	}
}

// TestNtfyLimit verifies that a visitor may make 60 calls at once and one more every
// five seconds, over all topics.
func TestNtfyLimit(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	now := noon
	m.Now = func() time.Time { return now }
	m.SetLimited(true)
	for i := range 60 {
		if status, _, _ := postTo(t, server, "/alerts", "x"); status != http.StatusOK {
			t.Fatalf("call %d: %d", i, status)
		}
	}
	if status, answer, _ := postTo(t, server, "/others", "x"); status != http.StatusTooManyRequests || !strings.HasPrefix(answer, `{"code":42901,"http":429,`) {
		t.Errorf("call 61: %d %s", status, answer)
	}
	if status, _, _ := postTo(t, server, "/alerts", "x", "Authorization", "Bearer tk_a"); status != http.StatusOK {
		t.Errorf("another visitor: %d", status)
	}
	now = now.Add(5 * time.Second)
	for i, want := range []int{200, 429} {
		if status, _, _ := postTo(t, server, "/alerts", "x"); status != want {
			t.Errorf("later, call %d: %d", i, status)
		}
	}
}
