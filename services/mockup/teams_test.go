package mockup_test

import (
	"net/http"
	"strings"
	"testing"
)

const (
	flow      = "/powerautomate/automations/direct/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=abc"
	oldFlow   = "/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=abc"
	connector = "/webhookb2/01@23/IncomingWebhook/45/67"
	card      = `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock"}]}}]}`
)

func TestTeams(t *testing.T) {
	huge := strings.Replace(card, "TextBlock", strings.Repeat("x", 28<<10), 1)
	probes(t, []probe{
		{"accepts a card", "", flow, nil, card, 202, ""},
		{"at its old place", "", oldFlow, nil, card, 202, ""},
		{"no version", "", strings.Replace(flow, "api-version", "x", 1), nil, card, 400, "MissingApiVersionParameter"},
		{"no signature", "", strings.Split(flow, "&sig")[0], nil, card, 401, "DirectApiAuthorizationRequired"},
		{"no card", "", flow, nil, `{"text":"x"}`, 400, "TriggerInputSchemaMismatch"},
		{"another card", "", flow, nil, strings.Replace(card, "AdaptiveCard", "HeroCard", 1), 400, "TriggerInputSchemaMismatch"},
		{"no JSON", "", flow, nil, `{`, 400, "TriggerInputSchemaMismatch"},
		{"huge", "", flow, nil, huge, 413, "RequestEntityTooLarge"},
		{"connector takes a card", "", connector, nil, card, 200, "1"},
		{"connector takes a text", "", connector, nil, `{"text":"x"}`, 200, "1"},
		{"connector and nothing", "", connector, nil, `{}`, 400, "Summary or Text is required."},
		{"connector and too much", "", connector, nil, huge, 200, "returned HTTP error 413 with ContextId"},
	})
	_, _, server, _ := serveMockup(t)
	if _, _, header := (probe{target: flow, body: card}).send(t, server); header.Get("x-ms-workflow-run-id") == "" {
		t.Error("the run has no name")
	}
}

func TestTeamsLimits(t *testing.T) {
	status, body, header := limit(t, same(probe{target: flow, body: card}), 4, func(status int, _ string) bool { return status == http.StatusAccepted })
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" || !strings.Contains(body, "TooManyRequests") {
		t.Errorf("%d %v %s", status, header, body)
	}
	status, body, _ = limit(t, same(probe{target: connector, body: card}), 4, func(_ int, body string) bool { return body == "1" })
	if status != http.StatusOK || !strings.Contains(body, "Microsoft Teams endpoint returned HTTP error 429 with ContextId") {
		t.Errorf("%d %s", status, body)
	}
}
