package mockup

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// slackHook handles an incoming webhook of Slack: errors are plain text, and the body
// ok is success. It accepts every webhook with team and app ids in Slack's form.
func (m *Mockup) slackHook(r *http.Request, body []byte) response {
	var post struct {
		Text   string       `json:"text"`
		Blocks []slackBlock `json:"blocks"`

		Attachments []slackAttachment `json:"attachments"`
	}
	switch {
	case !strings.HasPrefix(r.PathValue("team"), "T"):
		return slackHookResponse(http.StatusNotFound, "no_team")
	case !strings.HasPrefix(r.PathValue("app"), "B"):
		return slackHookResponse(http.StatusNotFound, "no_service")
	case slackForm(r.Header.Get("Content-Type")) != "", len(body) > maxBody, json.Unmarshal(body, &post) != nil:
		return slackHookResponse(http.StatusBadRequest, "invalid_payload")
	case post.Text == "" && len(post.Blocks) == 0 && len(post.Attachments) == 0:
		return slackHookResponse(http.StatusBadRequest, "no_text")
	}
	if code := slackBlocks(post.Blocks); code != "" {
		return slackHookResponse(http.StatusBadRequest, code)
	}
	if code := slackAttachments(post.Attachments); code != "" {
		return slackHookResponse(http.StatusBadRequest, code)
	}
	// One message a second, with short bursts: see internal/messenger/slack.
	if wait := m.takeLimit("slackhook "+r.URL.Path, 1, 3); wait > 0 {
		busy := jsonResponse(http.StatusTooManyRequests, map[string]any{"ok": false, "error": "rate_limited"})
		busy.headers["Retry-After"] = seconds(wait)
		return busy
	}
	a := slackHookResponse(http.StatusOK, "ok")
	a.effect = m.addMessage(Message{Provider: "slackhook", Destination: r.URL.Path, ID: strconv.FormatInt(m.uniqueMicros(), 10), Text: post.Text})
	return a
}

func slackHookResponse(status int, word string) response {
	return response{status: status, headers: map[string]string{"Content-Type": "text/html"}, body: word}
}
