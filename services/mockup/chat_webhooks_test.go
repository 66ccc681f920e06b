package mockup_test

import (
	"net/http"
	"strings"
	"testing"
)

const (
	mattermostHook = "/hooks/abcdefghijklmnopqrstuvwxyz"
	rocketChatHook = "/hooks/68a1b2c3d4e5f60718293a4b/abcdefghij"
	googleChatHook = "/v1/spaces/AAAAabcd/messages?key=k&token=t"
)

func TestMattermost(t *testing.T) {
	probes(t, []probe{
		{"takes a text", "", mattermostHook, nil, `{"text":"hello"}`, 200, "ok"},
		{"takes attachments", "", mattermostHook, nil, `{"attachments":[{}]}`, 200, "ok"},
		{"no text", "", mattermostHook, nil, `{"text":""}`, 400, "web.incoming_webhook.text.app_error"},
		{"no JSON", "", mattermostHook, nil, `{`, 400, "web.incoming_webhook.parse.app_error"},
		{"another type", "", mattermostHook, map[string]string{"Content-Type": "text/plain"}, "hello", 400, "api.webhook.incoming.error"},
		{"no webhook", "", "/hooks/a_b", nil, `{"text":"hello"}`, 404, "api.context.404.app_error"},
		{"huge", "", mattermostHook, nil, `{"text":"` + strings.Repeat("x", 256<<10) + `"}`, 413, "too large"},
	})
	status, body, header := limit(t, same(probe{target: mattermostHook, body: `{"text":"x"}`}), 10, func(status int, _ string) bool { return status == http.StatusOK })
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" || body != "limit exceeded\n" {
		t.Errorf("%d %v %s", status, header, body)
	}
}

func TestRocketChat(t *testing.T) {
	probes(t, []probe{
		{"takes a text", "", rocketChatHook, nil, `{"text":"hello"}`, 200, `{"success":true}`},
		{"at its old place", "", "/hooks/68a1b2c3d4e5f60718293a4b/rocket/abcdefghij", nil, `{"text":"hello"}`, 200, `{"success":true}`},
		{"nothing", "", rocketChatHook, nil, `{}`, 200, `{"success":true}`},
		{"another channel", "", rocketChatHook, nil, `{"text":"a","channel":"#b"}`, 400, "overriding destination channel"},
		{"too long", "", rocketChatHook, nil, `{"text":"` + strings.Repeat("봉", 5_001) + `"}`, 400, "error-message-size-exceeded"},
		{"long", "", rocketChatHook, nil, `{"text":"` + strings.Repeat("봉", 5_000) + `"}`, 200, `{"success":true}`},
		{"no JSON", "", rocketChatHook, nil, `{`, 400, `"success":false`},
		{"no webhook", "", "/hooks/a_b/abcdefghij", nil, `{"text":"hello"}`, 404, "Invalid integration id or token provided."},
	})
	_, _, server, client := serveMockup(t)
	setLimited(t, client)
	for n := range 11 {
		status, body, _ := probe{target: rocketChatHook, body: `{"text":"x"}`}.send(t, server)
		if n < 10 && status != http.StatusOK || n == 10 && (status != http.StatusTooManyRequests || !strings.Contains(body, "error-too-many-requests")) {
			t.Errorf("call %d: %d %s", n, status, body)
		}
	}
}

func TestGoogleChat(t *testing.T) {
	probes(t, []probe{
		{"takes a text", "", googleChatHook, nil, `{"text":"hello"}`, 200, `"name":"spaces/AAAAabcd/messages/`},
		{"no key", "", "/v1/spaces/AAAAabcd/messages?token=t", nil, `{"text":"hello"}`, 403, "PERMISSION_DENIED"},
		{"no token", "", "/v1/spaces/AAAAabcd/messages?key=k", nil, `{"text":"hello"}`, 401, "UNAUTHENTICATED"},
		{"no text", "", googleChatHook, nil, `{}`, 400, "INVALID_ARGUMENT"},
		{"no JSON", "", googleChatHook, nil, `{`, 400, "INVALID_ARGUMENT"},
		{"long", "", googleChatHook, nil, `{"text":"` + strings.Repeat("x", 32_000) + `"}`, 200, `"name":`},
		{"too long", "", googleChatHook, nil, `{"text":"` + strings.Repeat("x", 32_001) + `"}`, 400, "maximum size"},
	})
	status, body, _ := limit(t, same(probe{target: googleChatHook, body: `{"text":"x"}`}), 1, func(status int, _ string) bool { return status == http.StatusOK })
	if status != http.StatusTooManyRequests || !strings.Contains(body, "RESOURCE_EXHAUSTED") {
		t.Errorf("%d %s", status, body)
	}
}
