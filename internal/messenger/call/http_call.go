package call

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

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/netguard"
	"github.com/bongsu-project/bongsu/kit/redact"
)

// MaxResponseBytes is the number of bytes of a provider's response that are read.
const MaxResponseBytes = 64 << 10

// A Response is the result of one HTTP call.
type Response struct {
	Status         int // 0 without a response
	Header         http.Header
	Body           []byte // at most MaxResponseBytes bytes
	Truncated      bool   // Body is only the head of the response
	requestWritten bool   // the request may have reached the provider
	Err            error  // the failure; if Status is not 0, the response was interrupted

	InvalidURL bool // no call was made: the URL is invalid, or http where https is required
}

// A requestWritten reports whether a request may have reached its provider. The
// transport sets it from its own goroutines.
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
// this. The span of the request's context gets the method and the status, not the URL,
// which may be the credential. The provider gets no traceparent: a trace id is of no use to
// it.
func do(client *http.Client, req *http.Request, written *requestWritten) Response {
	var r Response
	span := trace.SpanFromContext(req.Context())
	if span.IsRecording() {
		span.SetAttributes(attribute.String("http.request.method", req.Method))
	}
	res, err := client.Transport.RoundTrip(req)
	if err != nil {
		r.requestWritten, r.Err = written.Load(), contextErrorOf(req.Context(), err)
		return r
	}
	defer res.Body.Close()
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	}
	r.requestWritten, r.Status, r.Header = true, res.StatusCode, res.Header
	r.Body, r.Err = io.ReadAll(io.LimitReader(res.Body, MaxResponseBytes+1))
	r.Err = contextErrorOf(req.Context(), r.Err)
	if len(r.Body) > MaxResponseBytes {
		r.Body, r.Truncated = r.Body[:MaxResponseBytes], true
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

// contextErrorOf returns err, or the error of ctx if the call failed because ctx ended,
// whatever its cause.
func contextErrorOf(ctx context.Context, err error) error {
	if errors.Is(err, context.Cause(ctx)) {
		return ctx.Err()
	}
	return err
}

// Outcome returns the outcome of a response by its status alone. A messenger refines it
// by the body: a 2xx is Unknown until the body confirms that the message was accepted.
func (r Response) Outcome(now time.Time) messenger.Outcome {
	o := messenger.Outcome{
		Status:     r.Status,
		Code:       "http_" + strconv.Itoa(r.Status),
		Excerpt:    string(r.Body),
		RetryAfter: RetryAfter(r.Header.Get("Retry-After"), now),
	}
	switch {
	case r.InvalidURL: // err may quote the URL
		o.Kind, o.Scope, o.Code, o.Excerpt = messenger.Failed, messenger.CredentialScope, "invalid_url", "not called: the URL is invalid or not https; an operator can allow http by --allow-http"
	case errors.Is(r.Err, netguard.ErrForbidden):
		o.Kind, o.Scope, o.Code, o.Excerpt = messenger.Failed, messenger.CredentialScope, "forbidden_address", evidenceForbidden
	case r.Status == 0 && !r.requestWritten:
		o.Kind, o.Code, o.Excerpt = messenger.Retry, codeBeforeWrite(r.Err), errorWithoutURL(r.Err)
	case r.Status == 0:
		o.Kind, o.Code, o.Excerpt = messenger.Unknown, codeAfterWrite(r.Err), errorWithoutURL(r.Err)
	case r.Status == http.StatusTooManyRequests:
		o.Kind = messenger.Paused
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly, r.Status >= 500:
		o.Kind = messenger.Retry
	case r.Status >= 200 && r.Status < 300 && r.Err != nil:
		o.Kind, o.Code = messenger.Unknown, codeAfterWrite(r.Err)
	case r.Status >= 200 && r.Status < 300:
		o.Kind, o.Code = messenger.Unknown, "unreadable_answer"
	case r.Status >= 300 && r.Status < 400:
		// A retry would be redirected again. The cause may be neither the destination
		// nor the credential, so the narrowest scope.
		o.Kind, o.Scope, o.Code = messenger.Failed, messenger.MessageScope, "redirect"
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		o.Kind, o.Scope = messenger.Failed, messenger.CredentialScope
	default:
		o.Kind, o.Scope = messenger.Failed, messenger.MessageScope
	}
	return o
}

// ReadJSON decodes a response that is one JSON object; otherwise it returns T's zero
// value. A complete object counts although the connection was interrupted after it,
// since no prefix of an object is an object. Responses are far shorter than
// MaxResponseBytes, also if they repeat the message: 24 KiB if all of it is escaped.
func ReadJSON[T any](r Response) T {
	var decoded, nothing T
	if json.Unmarshal(r.Body, &decoded) != nil {
		return nothing
	}
	return decoded
}

// errorWithoutURL returns the text of an error without the URL that net/http prepends:
// for some messengers the URL is the credential.
func errorWithoutURL(err error) string {
	var at *url.Error
	if errors.As(err, &at) && at.Op != "parse" {
		err = at.Err
	}
	return redact.Error(err).Error()
}
