package mockup

import (
	"net/http"
	"net/url"
	"regexp"
)

// slackTest handles auth.test: the fake accepts every token.
func (m *Mockup) slackTest(r *http.Request, _ []byte) response {
	if code := slackAuth(r.Header.Get("Authorization")); code != "" {
		return slackError(code)
	}
	return jsonResponse(http.StatusOK, map[string]any{
		"ok": true, "url": "https://mockup.slack.com/", "team": "Mockup", "user": "bongsu",
		"team_id": "T00000000", "user_id": "U00000000", "bot_id": "B00000000",
	})
}

var slackChannelID = regexp.MustCompile(`^[CDG][A-Z0-9]{8,}$`)

// slackInfo handles conversations.info: the fake's bot is a member of every channel
// with a valid id.
func (m *Mockup) slackInfo(r *http.Request, body []byte) response {
	if code := slackAuth(r.Header.Get("Authorization")); code != "" {
		return slackError(code)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("channel") == "" {
		return slackError("invalid_arguments")
	}
	id := form.Get("channel")
	if !slackChannelID.MatchString(id) {
		return slackError("channel_not_found")
	}
	return jsonResponse(http.StatusOK, map[string]any{"ok": true, "channel": map[string]any{
		"id": id, "name": "mockup", "is_channel": id[0] == 'C', "is_group": id[0] == 'G', "is_im": id[0] == 'D',
		"is_archived": false, "is_member": id[0] != 'D',
	}})
}
