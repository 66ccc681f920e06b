package slack

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

const webhookURL = "https://hooks.slack.com/services/T00000000/B00000000/SECRETSECRETSECRETSECRET"

var webhookSample = messengertest.Sample{
	New:     messengertest.Maker(NewWebhook),
	Message: messenger.Message{DeliveryID: 7, Credential: webhookURL, Destination: "#ops", Text: "[normal] node1 down"},
	Sent:    "ok",
	Refused: "invalid_payload",
	Means: map[int]call.Classification{
		403: call.DestinationFailed,
		404: call.DestinationFailed,
		410: call.DestinationFailed,
	},
	ShortCredential: "https://hooks.slack.com/services/T/B/a",
	Shown:           messengertest.Markup{Plain: []string{messengertest.MarkupHTML, `"mrkdwn":false`}, Full: []string{`"type":"plain_text","text":"` + messengertest.MarkupText + `","emoji":false`}},
}

func TestWebhookPromises(t *testing.T) { messengertest.Run(t, webhookSample) }

func TestWebhookFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), webhookSample) }

func TestSlackHookRequest(t *testing.T) {
	messengertest.Goldens(t, webhookSample, webhookURL, "")
	messengertest.IncidentGoldens(t, webhookSample, webhookURL, "")
}

func TestSlackHookResponses(t *testing.T) {
	refused := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	unreadable := messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}
	messengertest.CheckOutcomes(t, webhookSample, []messengertest.Response{
		{200, nil, "ok", messenger.Outcome{Kind: messenger.Sent}},
		{200, nil, "ok\n", unreadable},
		{200, nil, "OK", unreadable},
		{200, nil, "no_service", unreadable},
		{200, nil, `{"ok":true}`, unreadable},
		{201, nil, "ok", unreadable},
		{400, nil, "invalid_payload", refused(messenger.MessageScope, "invalid_payload")},
		{400, nil, "invalid_blocks", refused(messenger.MessageScope, "invalid_blocks")},
		{400, nil, "no_text", refused(messenger.MessageScope, "no_text")},
		{400, nil, "user_not_found", refused(messenger.DestinationScope, "user_not_found")},
		{403, nil, "action_prohibited", refused(messenger.DestinationScope, "action_prohibited")},
		{403, nil, "invalid_token", refused(messenger.DestinationScope, "invalid_token")},
		{403, nil, "never_heard_of", refused(messenger.DestinationScope, "never_heard_of")},
		{404, nil, "no_service", refused(messenger.DestinationScope, "no_service")},
		{404, nil, "channel_not_found", refused(messenger.DestinationScope, "channel_not_found")},
		{404, nil, "<html>", refused(messenger.DestinationScope, "http_404")},
		{410, nil, "channel_is_archived", refused(messenger.DestinationScope, "channel_is_archived")},
		{410, nil, "", refused(messenger.DestinationScope, "http_410")},
		{405, nil, "", refused(messenger.MessageScope, "http_405")},
		{302, nil, "no_service", refused(messenger.MessageScope, "redirect")},
		{429, messengertest.RetryLater, `{"retry_after":7,"ok":false,"error":"rate_limited"}`, messenger.Outcome{Kind: messenger.Paused, Code: "rate_limited", RetryAfter: messengertest.Later}},
		{429, messengertest.RetryLater, "ok", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
		{429, map[string]string{"Retry-After": "3600"}, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: time.Hour}},
		{500, nil, "rollup_error", messenger.Outcome{Kind: messenger.Retry, Code: "rollup_error"}},
		{503, messengertest.RetryLater, "no_service", messenger.Outcome{Kind: messenger.Retry, Code: "no_service", RetryAfter: messengertest.Later}},
	})
}

func TestSlackHookSettings(t *testing.T) {
	messengertest.CheckSetting(t, Webhook{}.Spec().Credential, map[string]bool{
		webhookURL: true, "https://hooks.slack-gov.com/services/T1/B2/abc": true,
		"": false, "http://hooks.slack.com/services/T1/B2/abc": false, "https://hooks.slack.com/services/T1/B2": false,
		"https://hooks.slack.com/workflows/T1/A2/3/abc": false, "https://hooks.slack.com/services/T1/B2/abc?x=1": false,
		"https://hooks.slack.com/services/T1/B2/a b": false, "xoxb-1-2": false,
	})
	messengertest.CheckSetting(t, Webhook{}.Spec().Destination, map[string]bool{"": true, "#ops": true})
}

// TestSlackHookRefusesInvalidAddresses verifies that a URL that bypassed the check is
// not called.
func TestSlackHookRefusesInvalidAddresses(t *testing.T) {
	m := webhookSample.Message
	m.Credential = strings.Replace(webhookURL, "services", "workflows", 1)
	o := messengertest.Send(t.Context(), t, webhookSample.At(t, "http://provider.invalid"), m)
	if o.Kind != messenger.Failed || o.Scope != messenger.CredentialScope || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}
