package mockup

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
)

// googleChatLimit is the maximum size of a message, in bytes.
const googleChatLimit = 32_000

// googleChat is a webhook of a Google Chat space. It accepts every space, key and token,
// and one call a second to a space.
func (m *Mockup) googleChat(r *http.Request, body []byte) response {
	var post struct {
		Text string `json:"text"`
	}
	space := r.PathValue("space")
	form, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.URL.Query().Get("key") == "":
		return googleError(http.StatusForbidden, "PERMISSION_DENIED", "Method doesn't allow unregistered callers (callers without established identity).")
	case r.URL.Query().Get("token") == "":
		return googleError(http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	case err != nil || form != "application/json" || json.Unmarshal(body, &post) != nil:
		return googleError(http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
	case post.Text == "":
		return googleError(http.StatusBadRequest, "INVALID_ARGUMENT", "Message cannot be empty. Discarding empty create message request.")
	case len(post.Text) > googleChatLimit:
		return googleError(http.StatusBadRequest, "INVALID_ARGUMENT", "Message exceeds the maximum size of 32000 bytes.")
	}
	if wait := m.takeLimit("googlechat "+space, 1, 1); wait > 0 {
		return googleError(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")
	}
	id := fmt.Sprintf("%x", m.uniqueMicros())
	return jsonResponse(http.StatusOK, map[string]any{
		"name": "spaces/" + space + "/messages/" + id + "." + id, "text": post.Text, "thread": map[string]string{"name": "spaces/" + space + "/threads/" + id},
	})
}

// googleError returns an error as Google's APIs do.
func googleError(status int, word, text string) response {
	return jsonResponse(status, map[string]any{"error": map[string]any{"code": status, "message": text, "status": word}})
}
