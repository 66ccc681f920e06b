package mockup

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// webhookSignature is what signs a call: one HMAC-SHA256 in Base64, or several.
var webhookSignature = regexp.MustCompile(`^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$`)

// webhook is an endpoint of anybody's that keeps to Standard Webhooks. It knows no
// secret, so that it looks at the form of a signature only. It takes ten calls a
// second, and says by date when there will be room again. A delivery that it has had
// it takes again and tells nobody.
func (m *Mockup) webhook(r *http.Request, body []byte) answer {
	id, signature := r.Header.Get("webhook-id"), r.Header.Get("webhook-signature")
	seconds, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	switch {
	case id == "" || err != nil:
		return webhookError(http.StatusBadRequest, "missing required headers")
	case signature != "" && !webhookSignature.MatchString(signature):
		return webhookError(http.StatusUnauthorized, "invalid signature headers")
	case m.Now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute: // the libraries' tolerance
		return webhookError(http.StatusUnauthorized, "message timestamp too old or too new")
	case len(body) > maxBody:
		return webhookError(http.StatusRequestEntityTooLarge, "too large")
	case !json.Valid(body):
		return webhookError(http.StatusBadRequest, "no JSON")
	}
	if wait := m.spend("webhook "+r.URL.Path, 10, 10); wait > 0 {
		busy := webhookError(http.StatusTooManyRequests, "too many requests")
		busy.headers["Retry-After"] = m.Now().Add(wait + time.Second).UTC().Format(http.TimeFormat) // whole seconds, never less
		return busy
	}
	_, again := m.remember("webhook "+r.URL.Path+" "+id, "")
	return jsonAnswer(http.StatusOK, struct {
		Received  bool `json:"received"`
		Duplicate bool `json:"duplicate"`
	}{true, again})
}

func webhookError(status int, text string) answer {
	return jsonAnswer(status, struct {
		Text string `json:"error"`
	}{text})
}
