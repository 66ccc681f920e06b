package messenger

import (
	"fmt"
	"testing"
)

func TestSlackVerify(t *testing.T) {
	const auth, info = "POST /api/auth.test", "POST /api/conversations.info"
	good := `{"ok":true,"url":"https://x.slack.com/","team":"X","user":"bongsu","team_id":"T1","user_id":"U1"}`
	channel := func(fields string) string {
		return fmt.Sprintf(`{"ok":true,"channel":{"id":"C0123456789",%s}}`, fields)
	}
	failed := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	looks(t, slackSample, secret, "C0123456789", map[string]look{
		"a member":       {answers: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":true`)}, want: Outcome{Kind: Sent}},
		"no member":      {answers: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":false`)}, want: failed(DestinationScope, "not_in_channel")},
		"a conversation": {answers: map[string]string{auth: good, info: channel(`"is_im":true`)}, want: Outcome{Kind: Sent}},
		"archived":       {answers: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":true,"is_archived":true`)}, want: failed(DestinationScope, "is_archived")},
		"a public channel": {answers: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":false`)},
			header: map[string]string{"X-OAuth-Scopes": "chat:write,chat:write.public"}, want: Outcome{Kind: Sent}},
		"a private channel": {answers: map[string]string{auth: good, info: channel(`"is_channel":true,"is_private":true,"is_member":false`)},
			header: map[string]string{"X-OAuth-Scopes": "chat:write,chat:write.public"}, want: failed(DestinationScope, "not_in_channel")},
		"no channel":   {answers: map[string]string{auth: good, info: `{"ok":false,"error":"channel_not_found"}`}, want: failed(DestinationScope, "channel_not_found")},
		"no scope":     {answers: map[string]string{auth: good, info: `{"ok":false,"error":"missing_scope","needed":"channels:read"}`}, want: Outcome{Kind: Sent}, says: "channel not checked"},
		"odd answer":   {answers: map[string]string{auth: good, info: `{"ok":true,"channel":"C0123456789"}`}, want: Outcome{Kind: Unknown, Code: "unreadable_answer"}},
		"a bad token":  {answers: map[string]string{auth: `{"ok":false,"error":"invalid_auth"}`}, want: failed(CredentialScope, "invalid_auth")},
		"rate limited": {answers: map[string]string{auth: `{"ok":false,"error":"ratelimited"}`}, header: retryLater, want: Outcome{Kind: Paused, Code: "ratelimited", RetryAfter: later}},
	})
	looks(t, slackSample, secret, "#general", map[string]look{
		"a name": {answers: map[string]string{auth: good}, want: Outcome{Kind: Sent}, says: "channel not checked"},
	})
	looks(t, slackSample, "two SECRET words", "C0123456789", map[string]look{
		"no token": {want: failed(CredentialScope, "invalid_credential")},
	})
}
