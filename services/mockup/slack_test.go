package mockup_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

type slackReply struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Message struct {
		Text string `json:"text"`
	} `json:"message"`
}

func parse(t *testing.T, body string) slackReply {
	t.Helper()
	var r slackReply
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return r
}

func TestSlackTakesAMessage(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	status, body, header := post(t, server, "C1")
	r := parse(t, body)
	if status != http.StatusOK || !r.OK || r.Channel != "C1" || r.Message.Text != "[normal] node1 down" {
		t.Errorf("answered %d %s", status, body)
	}
	if !regexp.MustCompile(`^\d{10}\.\d{6}$`).MatchString(r.TS) {
		t.Errorf("ts %q is not in Slack's form", r.TS)
	}
	if !strings.HasPrefix(body, `{"ok":true,"channel":"C1","ts":"`) {
		t.Errorf("the fields of %s are not in Slack's order", body)
	}
	if got := header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestSlackCutsLongText(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	res, err := server.Client().Do(request(t.Context(), t, server, `{"channel":"C1","text":"`+strings.Repeat("봉", 40_001)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := read(t, res)
	if n := utf8.RuneCountInString(parse(t, body).Message.Text); n != 40_000 {
		t.Errorf("kept %d characters, want 40000", n)
	}
}

func TestSlackRefuses(t *testing.T) {
	const good = `{"channel":"C1","text":"hello"}`
	for _, c := range []struct {
		name, auth, form, body, want string
	}{
		{"no Authorization", "", "application/json", good, "not_authed"},
		{"Bear, the older service's slip", "Bear T", "application/json", good, "not_authed"},
		{"no token", "Bearer ", "application/json", good, "not_authed"},
		{"space in the token", "Bearer a b", "application/json", good, "invalid_auth"},
		{"no Content-Type", "Bearer T", "", good, "missing_post_type"},
		{"form", "Bearer T", "application/x-www-form-urlencoded", "channel=C1", "invalid_form_data"},
		{"other type", "Bearer T", "text/html", good, "invalid_post_type"},
		{"nonsense type", "Bearer T", ";;", good, "invalid_post_type"},
		{"truncated", "Bearer T", "application/json", good[:10], "invalid_json"},
		{"empty body", "Bearer T", "application/json", "", "invalid_json"},
		{"array", "Bearer T", "application/json", "[]", "json_not_object"},
		{"null", "Bearer T", "application/json", " null", "json_not_object"},
		{"no channel", "Bearer T", "application/json", `{"text":"hello"}`, "invalid_arguments"},
		{"channel a number", "Bearer T", "application/json", `{"channel":1,"text":"hello"}`, "invalid_arguments"},
		{"empty channel", "Bearer T", "application/json", `{"channel":"","text":"hello"}`, "channel_not_found"},
		{"no text", "Bearer T", "application/json", `{"channel":"C1"}`, "no_text"},
		{"huge", "Bearer T", "application/json", `{"channel":"C1","text":"` + strings.Repeat("x", 1<<20) + `"}`, "msg_too_long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _, server, _ := serveMockup(t)
			req := request(t.Context(), t, server, c.body)
			req.Header.Set("Authorization", c.auth)
			req.Header.Set("Content-Type", c.form)
			for _, name := range []string{"Authorization", "Content-Type"} {
				if req.Header.Get(name) == "" {
					req.Header.Del(name)
				}
			}
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			status, body, _ := read(t, res)
			if r := parse(t, body); status != http.StatusOK || r.OK || r.Error != c.want {
				t.Errorf("answered %d %s, want 200 with %s", status, body, c.want)
			}
			calls := m.Calls("")
			if len(calls) != 1 || len(calls[0].Body) > 256<<10 {
				t.Errorf("recorded %d calls, want the one, its body bounded", len(calls))
			}
		})
	}
}

func TestSlackTakesACharset(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	req := request(t.Context(), t, server, `{"channel":"C1","text":"hello"}`)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, body, _ := read(t, res); !parse(t, body).OK {
		t.Errorf("answered %s", body)
	}
}
