package mockup

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
)

// rocketChat is an incoming webhook of Rocket.Chat. It accepts every id and token, and ten
// calls a minute to a webhook.
func (m *Mockup) rocketChat(r *http.Request, body []byte) response {
	if wait := m.takeLimit("rocketchat "+r.URL.Path, 10.0/60, 10); wait > 0 {
		return rocketChatError(http.StatusTooManyRequests, fmt.Sprintf(
			"Error, too many requests. Please slow down. You must wait %s seconds before trying this endpoint again. [error-too-many-requests]", seconds(wait)))
	}
	var post struct {
		Text        string `json:"text"`
		Channel     string `json:"channel"`
		Attachments []any  `json:"attachments"`
	}
	form, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case !hookID.MatchString(r.PathValue("id")):
		return rocketChatError(http.StatusNotFound, "Invalid integration id or token provided.")
	case err != nil || form != "application/json" || len(body) > maxBody || json.Unmarshal(body, &post) != nil:
		return rocketChatError(http.StatusBadRequest, "error-invalid-body") // the text is unverified
	case post.Channel != "":
		return rocketChatError(http.StatusBadRequest, "overriding destination channel is disabled for this integration")
	case len([]rune(post.Text)) > 5_000:
		return rocketChatError(http.StatusBadRequest, "error-message-size-exceeded")
	}
	return jsonResponse(http.StatusOK, map[string]bool{"success": true})
}

func rocketChatError(status int, text string) response {
	return jsonResponse(status, struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
	}{false, text})
}
