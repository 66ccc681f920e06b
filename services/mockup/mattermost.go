package mockup

import (
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
)

// hookID matches the id of a webhook of Mattermost or Rocket.Chat.
var hookID = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// mattermost is an incoming webhook of Mattermost, which responds ok as text. It accepts
// every id in Mattermost's form, and ten calls a second, as a server with rate limits.
func (m *Mockup) mattermost(r *http.Request, body []byte) response {
	var post struct {
		Text        string `json:"text"`
		Attachments []any  `json:"attachments"`
	}
	form, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case !hookID.MatchString(r.PathValue("id")):
		return mattermostError(http.StatusNotFound, "api.context.404.app_error", "Sorry, we could not find the page.")
	case err != nil || form != "application/json":
		return mattermostError(http.StatusBadRequest, "api.webhook.incoming.error", "Could not decode the payload of incoming webhook.")
	case len(body) > maxBody:
		return mattermostError(http.StatusRequestEntityTooLarge, "api.context.request_body_too_large.app_error", "The request body is too large.")
	case json.Unmarshal(body, &post) != nil:
		return mattermostError(http.StatusBadRequest, "web.incoming_webhook.parse.app_error", "Unable to parse incoming data.")
	case post.Text == "" && post.Attachments == nil:
		return mattermostError(http.StatusBadRequest, "web.incoming_webhook.text.app_error", "No text specified.")
	}
	if wait := m.takeLimit("mattermost "+r.URL.Path, 10, 10); wait > 0 {
		return response{
			status: http.StatusTooManyRequests, headers: map[string]string{"Content-Type": "text/plain; charset=utf-8", "Retry-After": seconds(wait)},
			body: "limit exceeded\n",
		}
	}
	return response{status: http.StatusOK, headers: map[string]string{"Content-Type": "text/plain"}, body: "ok"}
}

// mattermostError returns an error of Mattermost's API.
func mattermostError(status int, id, text string) response {
	return jsonResponse(status, struct {
		ID      string `json:"id"`
		Message string `json:"message"`
		Status  int    `json:"status_code"`
	}{id, text, status})
}
