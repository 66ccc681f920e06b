package messenger

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/mockup"
)

const slackHookURL = "https://hooks.slack.com/services/T00000000/B00000000/SECRETSECRETSECRETSECRET"

var slackHookSample = sample{
	make:    maker(NewSlackHook),
	message: Message{DeliveryID: 7, Credential: slackHookURL, Destination: "#ops", Text: "[normal] node1 down"},
	sent:    "ok",
	refused: "invalid_payload",
	means: map[int]classification{
		403: destinationFailed,
		404: destinationFailed,
		410: destinationFailed,
	},
	shortCredential: "https://hooks.slack.com/services/T/B/a",
	shown:           markup{plain: []string{markupHTML, `"mrkdwn":false`}, full: []string{`"type":"plain_text","text":"` + markupText + `","emoji":false`}},
}

func TestSlackHookPromises(t *testing.T) { verifyPromises(t, slackHookSample) }

func TestSlackHookFake(t *testing.T) { verifyFake(t, mockup.New(nil), slackHookSample) }

func TestSlackHookRequest(t *testing.T) { goldens(t, slackHookSample, slackHookURL, "") }

func TestSlackHookAnswers(t *testing.T) {
	refused := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	unreadable := Outcome{Kind: Unknown, Code: "unreadable_answer"}
	meanings(t, slackHookSample, []answered{
		{200, nil, "ok", Outcome{Kind: Sent}},
		{200, nil, "ok\n", unreadable},
		{200, nil, "OK", unreadable},
		{200, nil, "no_service", unreadable},
		{200, nil, `{"ok":true}`, unreadable},
		{201, nil, "ok", unreadable},
		{400, nil, "invalid_payload", refused(MessageScope, "invalid_payload")},
		{400, nil, "invalid_blocks", refused(MessageScope, "invalid_blocks")},
		{400, nil, "no_text", refused(MessageScope, "no_text")},
		{400, nil, "user_not_found", refused(DestinationScope, "user_not_found")},
		{403, nil, "action_prohibited", refused(DestinationScope, "action_prohibited")},
		{403, nil, "invalid_token", refused(DestinationScope, "invalid_token")},
		{403, nil, "never_heard_of", refused(DestinationScope, "never_heard_of")},
		{404, nil, "no_service", refused(DestinationScope, "no_service")},
		{404, nil, "channel_not_found", refused(DestinationScope, "channel_not_found")},
		{404, nil, "<html>", refused(DestinationScope, "http_404")},
		{410, nil, "channel_is_archived", refused(DestinationScope, "channel_is_archived")},
		{410, nil, "", refused(DestinationScope, "http_410")},
		{405, nil, "", refused(MessageScope, "http_405")},
		{302, nil, "no_service", refused(MessageScope, "redirect")},
		{429, retryLater, `{"retry_after":7,"ok":false,"error":"rate_limited"}`, Outcome{Kind: Paused, Code: "rate_limited", RetryAfter: later}},
		{429, retryLater, "ok", Outcome{Kind: Paused, Code: "http_429", RetryAfter: later}},
		{429, map[string]string{"Retry-After": "3600"}, "", Outcome{Kind: Paused, Code: "http_429", RetryAfter: time.Hour}},
		{500, nil, "rollup_error", Outcome{Kind: Retry, Code: "rollup_error"}},
		{503, retryLater, "no_service", Outcome{Kind: Retry, Code: "no_service", RetryAfter: later}},
	})
}

func TestSlackHookSettings(t *testing.T) {
	checks(t, SlackHook{}.Spec().Credential, map[string]bool{
		slackHookURL: true, "https://hooks.slack-gov.com/services/T1/B2/abc": true,
		"": false, "http://hooks.slack.com/services/T1/B2/abc": false, "https://hooks.slack.com/services/T1/B2": false,
		"https://hooks.slack.com/workflows/T1/A2/3/abc": false, "https://hooks.slack.com/services/T1/B2/abc?x=1": false,
		"https://hooks.slack.com/services/T1/B2/a b": false, "xoxb-1-2": false,
	})
	checks(t, SlackHook{}.Spec().Destination, map[string]bool{"": true, "#ops": true})
}

// TestSlackHookRefusesWhatCannotBeCalled verifies that a URL that bypassed the check is
// not called.
func TestSlackHookRefusesWhatCannotBeCalled(t *testing.T) {
	m := slackHookSample.message
	m.Credential = strings.Replace(slackHookURL, "services", "workflows", 1)
	o := send(t.Context(), t, slackHookSample.at(t, "http://provider.invalid"), m)
	if o.Kind != Failed || o.Scope != CredentialScope || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}
