package mockup_test

import (
	"net/http"
	"strings"
	"testing"
)

const hookTarget = "/services/T00000000/B00000000/abcdefghijklmnop"

func TestSlackHook(t *testing.T) {
	section := `{"type":"section","text":{"type":"mrkdwn","text":"x"}}`
	blocks := func(all string) string { return `{"text":"x","blocks":[` + all + `]}` }
	probes(t, []probe{
		{"takes a text", "", hookTarget, nil, `{"text":"hello"}`, 200, "ok"},
		{"takes blocks", "", hookTarget, nil, blocks(`{"type":"header","text":{"type":"plain_text","text":"t"}},` + section), 200, "ok"},
		{"no team", "", "/services/x/B0/abc", nil, `{"text":"hello"}`, 404, "no_team"},
		{"no service", "", "/services/T0/x/abc", nil, `{"text":"hello"}`, 404, "no_service"},
		{"no JSON", "", hookTarget, nil, `{"text"`, 400, "invalid_payload"},
		{"another type", "", hookTarget, map[string]string{"Content-Type": "text/html"}, `{"text":"x"}`, 400, "invalid_payload"},
		{"a number", "", hookTarget, nil, `{"text":1}`, 400, "invalid_payload"},
		{"no text", "", hookTarget, nil, `{}`, 400, "no_text"},
		{"no such block", "", hookTarget, nil, blocks(`{"type":"sofa"}`), 400, "invalid_blocks"},
		{"a header too long", "", hookTarget, nil, blocks(`{"type":"header","text":{"type":"plain_text","text":"` + strings.Repeat("봉", 151) + `"}}`), 400, "invalid_blocks"},
		{"a header in mrkdwn", "", hookTarget, nil, blocks(`{"type":"header","text":{"type":"mrkdwn","text":"t"}}`), 400, "invalid_blocks"},
		{"a section too long", "", hookTarget, nil, blocks(strings.Replace(section, `"x"`, `"`+strings.Repeat("x", 3001)+`"`, 1)), 400, "invalid_blocks"},
		{"an empty section", "", hookTarget, nil, blocks(`{"type":"section"}`), 400, "invalid_blocks"},
		{"eleven fields", "", hookTarget, nil, blocks(`{"type":"section","fields":[` + strings.Repeat(`{"type":"mrkdwn","text":"f"},`, 10) + `{"type":"mrkdwn","text":"f"}]}`), 400, "invalid_blocks"},
		{"too many blocks", "", hookTarget, nil, blocks(strings.Repeat(section+",", 50) + section), 400, "invalid_blocks"},
		{"too much in blocks", "", hookTarget, nil, blocks(strings.Repeat(strings.Replace(section, `"x"`, `"`+strings.Repeat("x", 3000)+`"`, 1)+",", 4) + strings.Replace(section, `"x"`, `"`+strings.Repeat("x", 2000)+`"`, 1)), 400, "msg_blocks_too_long"},
	})
}

func TestSlackHookLimit(t *testing.T) {
	status, body, header := limit(t, same(probe{target: hookTarget, body: `{"text":"hello"}`}), 3, func(_ int, body string) bool { return body == "ok" })
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" || !strings.Contains(body, "rate_limited") {
		t.Errorf("%d %v %s", status, header, body)
	}
}
