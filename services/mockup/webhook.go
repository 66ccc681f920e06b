package mockup

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// webhookSignature matches the signatures of a request: one HMAC-SHA256 in Base64, or
// several.
var webhookSignature = regexp.MustCompile(`^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$`)

// webhook is an endpoint that complies with Standard Webhooks. It has no secret, so it
// validates only the form of a signature. It accepts ten calls a second, with a date in
// Retry-After. A repeated delivery is accepted, and marked as a duplicate in the
// response.
func (m *Mockup) webhook(r *http.Request, body []byte) response {
	id, signature := r.Header.Get("webhook-id"), r.Header.Get("webhook-signature")
	seconds, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	switch {
	case id == "" || err != nil:
		return webhookError(http.StatusBadRequest, "missing required headers")
	case signature != "" && !webhookSignature.MatchString(signature):
		return webhookError(http.StatusUnauthorized, "invalid signature headers")
	case m.Now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute: // the tolerance of the libraries
		return webhookError(http.StatusUnauthorized, "message timestamp too old or too new")
	case len(body) > maxBody:
		return webhookError(http.StatusRequestEntityTooLarge, "too large")
	case !json.Valid(body):
		return webhookError(http.StatusBadRequest, "invalid JSON")
	}
	if wait := m.takeLimit("webhook "+r.URL.Path, 10, 10); wait > 0 {
		busy := webhookError(http.StatusTooManyRequests, "too many requests")
		busy.headers["Retry-After"] = m.Now().Add(wait + time.Second).UTC().Format(http.TimeFormat) // whole seconds, rounded up
		return busy
	}
	again := m.remember("webhook "+r.URL.Path+" "+id, "")
	return jsonResponse(http.StatusOK, struct {
		Received  bool `json:"received"`
		Duplicate bool `json:"duplicate"`
	}{true, again})
}

func webhookError(status int, text string) response {
	return jsonResponse(status, struct {
		Text string `json:"error"`
	}{text})
}
