package mockup_test

import "testing"

func TestSlackTakesBlocks(t *testing.T) {
	bearer := map[string]string{"Authorization": "Bearer T"}
	probes(t, []probe{
		{"blocks", "", postMessage, bearer, `{"channel":"C1","text":"x","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]}`, 200, `"ok":true`},
		{"blocks alone", "", postMessage, bearer, `{"channel":"C1","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]}`, 200, `"ok":true`},
		{"no block", "", postMessage, bearer, `{"channel":"C1","text":"x","blocks":[{"type":"section"}]}`, 200, "invalid_blocks"},
	})
}

func TestSlackVerifyMethods(t *testing.T) {
	bearer := map[string]string{"Authorization": "Bearer T", "Content-Type": "application/x-www-form-urlencoded"}
	probes(t, []probe{
		{"a token", "", "/api/auth.test", bearer, "", 200, `"ok":true`},
		{"no token", "", "/api/auth.test", nil, "", 200, "not_authed"},
		{"a channel", "", "/api/conversations.info", bearer, "channel=C0123456789", 200, `"is_member":true`},
		{"a conversation", "", "/api/conversations.info", bearer, "channel=D0123456789", 200, `"is_im":true`},
		{"a channel's name", "", "/api/conversations.info", bearer, "channel=general", 200, "channel_not_found"},
		{"no channel", "", "/api/conversations.info", bearer, "", 200, "invalid_arguments"},
		{"a channel and no token", "", "/api/conversations.info", nil, "channel=C0123456789", 200, "not_authed"},
	})
}
