package alert

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// maxCallbackError limits the text of a failure, in bytes.
const maxCallbackError = 300

// A callbackCall is the result of a call.
type callbackCall struct {
	failure    string        // why it failed, for people; empty if it succeeded
	retryAfter time.Duration // the pause that the endpoint asked for; 0 for none
}

// send calls an endpoint with a batch. Every 2xx is success.
func (l *CallbackLoop) send(ctx context.Context, e CallbackEndpoint, b CallbackBatch) callbackCall {
	text, err := l.Key.OpenForOwner(e.SealedSecret, callbackOwner(e.Name, e.URL))
	if err != nil {
		l.Metrics.CallbackCalled("no_secret", 0)
		return callbackCall{failure: "not called: the secret of the endpoint cannot be opened with the seal key of the alert service"}
	}
	secret, err := call.ParseSigningSecret(text)
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"bongsu"}}
	if err == nil {
		err = secret.SetHeader(header, b.ID, l.Now(), b.Body)
	}
	if err != nil {
		l.Metrics.CallbackCalled("no_secret", 0)
		return callbackCall{failure: "not called: the secret of the endpoint is invalid"}
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	begin := time.Now()
	o := l.Endpoint.Outcome(l.Endpoint.Post(ctx, e.URL, b.Body, header))
	if o.IsSuccess() {
		l.Metrics.CallbackCalled("sent", time.Since(begin))
		return callbackCall{}
	}
	l.Metrics.CallbackCalled(o.Kind.String(), time.Since(begin))
	pause := min(o.RetryAfter, maxCallbackPause)
	o = call.Redact(o, append(call.URLSecrets(e.URL), text, strings.TrimPrefix(text, "whsec_"))...)
	failure := o.Code
	if o.Excerpt != "" {
		failure += ": " + o.Excerpt
	}
	if len(failure) > maxCallbackError {
		failure = strings.ToValidUTF8(failure[:maxCallbackError], "") + "…"
	}
	return callbackCall{failure: failure, retryAfter: pause}
}
