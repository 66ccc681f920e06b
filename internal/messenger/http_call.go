package messenger

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"code.dny.dev/ssrf"

	"github.com/bongsu-project/bongsu/kit/redact"
)

// maxResponseBytes is the number of bytes of a provider's response that are read.
const maxResponseBytes = 64 << 10

// A response is the result of one HTTP call.
type response struct {
	status         int // 0 without a response
	header         http.Header
	body           []byte // at most maxResponseBytes bytes
	truncated      bool   // body is only the head of the response
	requestWritten bool   // the request may have reached the provider
	err            error  // the failure; if status is not 0, the response was interrupted

	invalidURL bool // no call was made: the URL is invalid, or http where https is required
}

// A requestWritten reports whether a request may have reached its provider. The transport sets
// it from its own goroutines.
type requestWritten struct{ atomic.Bool }

// watch returns a context that traces the request.
//
// It traces the headers, not the whole request: a request can reach the provider before
// the transport reports that it was written. A new connection resets it, since the
// transport retries a POST on another connection only after it has seen that nothing
// was written to the previous one.
func (w *requestWritten) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { w.Store(false) },
		WroteHeaders: func() { w.Store(true) },
	})
}

// do makes one call, with the transport of the client: the client itself would follow
// redirects, which sends the credential to another host, and copies each request for
// this.
func do(client *http.Client, req *http.Request, written *requestWritten) response {
	var r response
	res, err := client.Transport.RoundTrip(req)
	if err != nil {
		r.requestWritten, r.err = written.Load(), contextErrorOf(req.Context(), err)
		return r
	}
	defer res.Body.Close()
	r.requestWritten, r.status, r.header = true, res.StatusCode, res.Header
	r.body, r.err = io.ReadAll(io.LimitReader(res.Body, maxResponseBytes+1))
	r.err = contextErrorOf(req.Context(), r.err)
	if len(r.body) > maxResponseBytes {
		r.body, r.truncated = r.body[:maxResponseBytes], true
	}
	return r
}

// withTimeout returns ctx with a timeout of at most limit.
func withTimeout(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); limit == 0 || ok && time.Until(end) <= limit {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// contextErrorOf returns err, or the error of ctx if the call failed because ctx ended, whatever
// its cause.
func contextErrorOf(ctx context.Context, err error) error {
	if errors.Is(err, context.Cause(ctx)) {
		return ctx.Err()
	}
	return err
}

// outcome returns the outcome of a response by its status alone. A messenger refines it
// by the body: a 2xx is Unknown until the body confirms that the message was accepted.
func (r response) outcome(now time.Time) Outcome {
	o := Outcome{
		Status:     r.status,
		Code:       "http_" + strconv.Itoa(r.status),
		Excerpt:    string(r.body),
		RetryAfter: retryAfter(r.header.Get("Retry-After"), now),
	}
	switch {
	case r.invalidURL: // err may quote the URL
		o.Kind, o.Scope, o.Code, o.Excerpt = Failed, CredentialScope, "invalid_url", "not called: the URL is invalid or not https; an operator can allow http by --allow-http"
	case errors.Is(r.err, ssrf.ErrProhibitedIP):
		o.Kind, o.Scope, o.Code, o.Excerpt = Failed, CredentialScope, "forbidden_address", evidenceForbidden
	case r.status == 0 && !r.requestWritten:
		o.Kind, o.Code, o.Excerpt = Retry, codeBeforeWrite(r.err), errorWithoutURL(r.err)
	case r.status == 0:
		o.Kind, o.Code, o.Excerpt = Unknown, codeAfterWrite(r.err), errorWithoutURL(r.err)
	case r.status == http.StatusTooManyRequests:
		o.Kind = Paused
	case r.status == http.StatusRequestTimeout, r.status == http.StatusTooEarly, r.status >= 500:
		o.Kind = Retry
	case r.status >= 200 && r.status < 300 && r.err != nil:
		o.Kind, o.Code = Unknown, codeAfterWrite(r.err)
	case r.status >= 200 && r.status < 300:
		o.Kind, o.Code = Unknown, "unreadable_answer"
	case r.status >= 300 && r.status < 400:
		// A retry would be redirected again. The cause may be neither the destination
		// nor the credential, so the narrowest scope.
		o.Kind, o.Scope, o.Code = Failed, MessageScope, "redirect"
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		o.Kind, o.Scope = Failed, CredentialScope
	default:
		o.Kind, o.Scope = Failed, MessageScope
	}
	return o
}

// readJSON decodes a response that is one JSON object; otherwise it returns T's zero
// value. A complete object counts although the connection was interrupted after it,
// since no prefix of an object is an object. Responses are far shorter than maxResponseBytes,
// also if they repeat the message: 24 KiB if all of it is escaped.
func readJSON[T any](r response) T {
	var said, nothing T
	if json.Unmarshal(r.body, &said) != nil {
		return nothing
	}
	return said
}

// errorWithoutURL returns the text of an error without the URL that net/http prepends: for some
// messengers the URL is the credential.
func errorWithoutURL(err error) string {
	var at *url.Error
	if errors.As(err, &at) && at.Op != "parse" {
		err = at.Err
	}
	return redact.Error(err).Error()
}
