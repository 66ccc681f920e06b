package mockup_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	hookID      = "/api/v10/webhooks/123456789012345678/a-token_of-Discord"
	oldHookID   = "/api/webhooks/123456789012345678/a-token_of-Discord"
	channelID   = "/api/v10/channels/323456789012345678"
	channelPost = channelID + "/messages"
)

var bot = map[string]string{"Authorization": "Bot MTk4NjIy.Cl2FMQ.ZnCjm1"}

func TestDiscordHook(t *testing.T) {
	embed := func(fields string) string { return `{"content":"x","embeds":[{` + fields + `}]}` }
	probes(t, []probe{
		{"takes a message", "", hookID + "?wait=true", nil, `{"content":"hello"}`, 200, `"content":"hello"`},
		{"without a version", "", oldHookID + "?wait=true", nil, `{"content":"hello"}`, 200, `"content":"hello"`},
		{"without waiting", "", hookID, nil, `{"content":"hello"}`, 204, ""},
		{"an embed", "", hookID + "?wait=true", nil, embed(`"title":"t","fields":[{"name":"n","value":"v"}]`), 200, `"title":"t"`},
		{"unknown", "", "/api/v10/webhooks/abc/a-token_of-Discord?wait=true", nil, `{"content":"x"}`, 404, `"code":10015`},
		{"bad token", "", "/api/v10/webhooks/123456789012345678/abc?wait=true", nil, `{"content":"x"}`, 401, `"code":50027`},
		{"another type", "", hookID, map[string]string{"Content-Type": "text/plain"}, "hello", 400, `"code":50035`},
		{"no JSON", "", hookID, nil, `{"content"`, 400, `"code":50109`},
		{"a number", "", hookID, nil, `{"content":1}`, 400, `"code":50035`},
		{"empty", "", hookID, nil, `{}`, 400, `"code":50006`},
		{"too long", "", hookID, nil, `{"content":"` + strings.Repeat("봉", 2001) + `"}`, 400, "Must be 2000 or fewer in length."},
		{"huge", "", hookID, nil, `{"content":"` + strings.Repeat("x", 1<<20) + `"}`, 413, `"code":40005`},
		{"an empty embed", "", hookID, nil, embed(`"timestamp":"2026-03-01T12:00:00Z"`), 400, "BASE_TYPE_REQUIRED"},
		{"a field without a value", "", hookID, nil, embed(`"fields":[{"name":"n","value":""}]`), 400, "BASE_TYPE_REQUIRED"},
		{"a title too long", "", hookID, nil, embed(`"title":"` + strings.Repeat("t", 257) + `"`), 400, "Must be 256 or fewer in length."},
		{"too many fields", "", hookID, nil, embed(`"fields":[` + strings.Repeat(`{"name":"n","value":"v"},`, 25) + `{"name":"n","value":"v"}]`), 400, "Must be 25 or fewer in length."},
		{"too much together", "", hookID, nil, embed(`"description":"` + strings.Repeat("d", 4096) + `"},{"description":"` + strings.Repeat("d", 1905) + `"`), 400, "Must be 6000 or fewer in length."},
		{"shows itself", http.MethodGet, hookID, nil, "", 200, `"token":"a-token_of-Discord"`},
		{"shows no other", http.MethodGet, "/api/v10/webhooks/abc/a-token_of-Discord", nil, "", 404, `"code":10015`},
		{"wants to know who calls", "", hookID, map[string]string{"User-Agent": ""}, `{"content":"x"}`, 403, `"code":40333`},
	})
}

func TestDiscordBot(t *testing.T) {
	probes(t, []probe{
		{"takes a message", "", channelPost, bot, `{"content":"hello"}`, 200, `"channel_id":"323456789012345678"`},
		{"no token", "", channelPost, nil, `{"content":"hello"}`, 401, "401: Unauthorized"},
		{"a bearer", "", channelPost, map[string]string{"Authorization": "Bearer x"}, `{"content":"hello"}`, 401, "401: Unauthorized"},
		{"unknown channel", "", "/api/v10/channels/general/messages", bot, `{"content":"hello"}`, 404, `"code":10003`},
		{"empty", "", channelPost, bot, `{}`, 400, `"code":50006`},
		{"a nonce too long", "", channelPost, bot, `{"content":"x","nonce":"` + strings.Repeat("n", 26) + `"}`, 400, "Must be 25 or fewer in length."},
		{"shows a channel", http.MethodGet, channelID, bot, "", 200, `"type":0`},
		{"shows nobody else", http.MethodGet, channelID, nil, "", 401, "401: Unauthorized"},
	})
}

// TestDiscordNonce verifies that an enforced nonce creates no second message.
func TestDiscordNonce(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	id := func(header map[string]string, body string) string {
		t.Helper()
		status, answer, _ := probe{target: channelPost, header: header, body: body}.send(t, server)
		var made struct{ ID string }
		if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusOK || made.ID == "" {
			t.Fatalf("%d %s", status, answer)
		}
		return made.ID
	}
	first := id(bot, `{"content":"a","nonce":"1","enforce_nonce":true}`)
	if again := id(bot, `{"content":"a","nonce":"1","enforce_nonce":true}`); again != first {
		t.Errorf("made %s and %s", first, again)
	}
	for name, other := range map[string]string{
		"another nonce": id(bot, `{"content":"a","nonce":"2","enforce_nonce":true}`),
		"not enforced":  id(bot, `{"content":"a","nonce":"1"}`),
		"another bot":   id(map[string]string{"Authorization": "Bot other"}, `{"content":"a","nonce":"1","enforce_nonce":true}`),
	} {
		if other == first {
			t.Errorf("%s returned the first message", name)
		}
	}
}

func TestDiscordLimits(t *testing.T) {
	passes := func(status int, _ string) bool { return status == http.StatusOK }
	type limited struct {
		RetryAfter float64 `json:"retry_after"`
		Global     bool
	}
	decode := func(body string) limited {
		t.Helper()
		var l limited
		if err := json.Unmarshal([]byte(body), &l); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		return l
	}
	for name, c := range map[string]struct {
		probe probe
		after string // the Retry-After header
	}{
		"webhook":                   {probe{target: hookID + "?wait=true", body: `{"content":"x"}`}, "1"},
		"webhook without a version": {probe{target: oldHookID + "?wait=true", body: `{"content":"x"}`}, "400"},
		"bot":                       {probe{target: channelPost, header: bot, body: `{"content":"x"}`}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, header := limit(t, same(c.probe), 5, passes)
			l := decode(body)
			if status != http.StatusTooManyRequests || l.RetryAfter != 0.4 || l.Global || header.Get("Retry-After") != c.after || header.Get("X-RateLimit-Scope") != "user" {
				t.Errorf("%d %v %s", status, header, body)
			}
			if header.Get("X-RateLimit-Limit") != "5" || header.Get("X-RateLimit-Remaining") != "0" || header.Get("X-RateLimit-Bucket") == "" || header.Get("X-RateLimit-Reset-After") != "2.000" {
				t.Errorf("headers %v", header)
			}
		})
	}
	t.Run("all of a bot", func(t *testing.T) {
		channel := func(n int) probe {
			return probe{target: fmt.Sprintf("/api/v10/channels/%018d/messages", n), header: bot, body: `{"content":"x"}`}
		}
		_, body, header := limit(t, channel, 50, passes)
		if l := decode(body); !l.Global || header.Get("X-RateLimit-Global") != "true" || header.Get("X-RateLimit-Scope") != "global" {
			t.Errorf("%v %s", header, body)
		}
	})
}
