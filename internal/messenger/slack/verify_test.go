package slack

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

func TestSlackVerify(t *testing.T) {
	const auth, info = "POST /api/auth.test", "POST /api/conversations.info"
	good := `{"ok":true,"url":"https://x.slack.com/","team":"X","user":"bongsu","team_id":"T1","user_id":"U1"}`
	channel := func(fields string) string {
		return fmt.Sprintf(`{"ok":true,"channel":{"id":"C0123456789",%s}}`, fields)
	}
	failed := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	messengertest.CheckVerify(t, sample, messengertest.Secret, "C0123456789", map[string]messengertest.Verification{
		"a member":       {Responses: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":true`)}, Want: messenger.Outcome{Kind: messenger.Sent}},
		"no member":      {Responses: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":false`)}, Want: failed(messenger.DestinationScope, "not_in_channel")},
		"a conversation": {Responses: map[string]string{auth: good, info: channel(`"is_im":true`)}, Want: messenger.Outcome{Kind: messenger.Sent}},
		"archived":       {Responses: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":true,"is_archived":true`)}, Want: failed(messenger.DestinationScope, "is_archived")},
		"a public channel": {Responses: map[string]string{auth: good, info: channel(`"is_channel":true,"is_member":false`)},
			Header: map[string]string{"X-OAuth-Scopes": "chat:write,chat:write.public"}, Want: messenger.Outcome{Kind: messenger.Sent}},
		"a private channel": {Responses: map[string]string{auth: good, info: channel(`"is_channel":true,"is_private":true,"is_member":false`)},
			Header: map[string]string{"X-OAuth-Scopes": "chat:write,chat:write.public"}, Want: failed(messenger.DestinationScope, "not_in_channel")},
		"no channel":   {Responses: map[string]string{auth: good, info: `{"ok":false,"error":"channel_not_found"}`}, Want: failed(messenger.DestinationScope, "channel_not_found")},
		"no scope":     {Responses: map[string]string{auth: good, info: `{"ok":false,"error":"missing_scope","needed":"channels:read"}`}, Want: messenger.Outcome{Kind: messenger.Sent}, Excerpt: "channel not checked"},
		"odd answer":   {Responses: map[string]string{auth: good, info: `{"ok":true,"channel":"C0123456789"}`}, Want: messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}},
		"a bad token":  {Responses: map[string]string{auth: `{"ok":false,"error":"invalid_auth"}`}, Want: failed(messenger.CredentialScope, "invalid_auth")},
		"rate limited": {Responses: map[string]string{auth: `{"ok":false,"error":"ratelimited"}`}, Header: messengertest.RetryLater, Want: messenger.Outcome{Kind: messenger.Paused, Code: "ratelimited", RetryAfter: messengertest.Later}},
	})
	messengertest.CheckVerify(t, sample, messengertest.Secret, "#general", map[string]messengertest.Verification{
		"a name": {Responses: map[string]string{auth: good}, Want: messenger.Outcome{Kind: messenger.Sent}, Excerpt: "channel not checked"},
	})
	messengertest.CheckVerify(t, sample, "two SECRET words", "C0123456789", map[string]messengertest.Verification{
		"no token": {Want: failed(messenger.CredentialScope, "invalid_credential")},
	})
}
