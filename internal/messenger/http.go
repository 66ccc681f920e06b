package messenger

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/bongsu-project/bongsu/internal/redact"
)

// maxAnswer is how much of a provider's answer is read.
const maxAnswer = 64 << 10

// A reply is what came of one HTTP call.
type reply struct {
	status int // 0 where no answer came
	header http.Header
	body   []byte // at most maxAnswer bytes
	cut    bool   // body is only the head of the answer
	begun  bool   // the request may have reached the provider
	err    error  // what broke; where status is not 0, the answer broke off

	impossible bool // there was no call: the URL is none, or http where only https will do
}

// A begun says whether a request may have reached its provider. The transport says so
// from goroutines of its own.
type begun struct{ atomic.Bool }

// watch gives the context of the request that it is to speak of.
//
// The headers count, not the whole request: a request can be in the provider's
// hands before the transport has said that it was written. A new connection
// starts anew, since the transport takes another one for a POST only after it
// has seen that nothing of it was written to the last.
func (b *begun) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { b.Store(false) },
		WroteHeaders: func() { b.Store(true) },
	})
}

// call makes one call, by the client's transport: the client itself would follow
// redirects, which shows the credential to whoever is named there, and copies each
// request in case that it must.
func call(client *http.Client, req *http.Request, begun *begun) reply {
	var r reply
	res, err := client.Transport.RoundTrip(req)
	if err != nil {
		r.begun, r.err = begun.Load(), ended(req.Context(), err)
		return r
	}
	defer res.Body.Close()
	r.begun, r.status, r.header = true, res.StatusCode, res.Header
	r.body, r.err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	r.err = ended(req.Context(), r.err)
	if len(r.body) > maxAnswer {
		r.body, r.cut = r.body[:maxAnswer], true
	}
	return r
}

// within lets ctx end after so long a time, where it does not end before.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if end, is := ctx.Deadline(); limit == 0 || is && time.Until(end) <= limit {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// ended is err, but for a call that broke because its context ended: whatever
// cause that was given, it is the context's error.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, context.Cause(ctx)) {
		return ctx.Err()
	}
	return err
}

// outcome is what a reply means by its status alone. A messenger makes more of it
// by the body: a 2xx is Unknown until the body says that the message was taken.
func (r reply) outcome(now time.Time) Outcome {
	o := Outcome{
		Status:  r.status,
		Code:    "http_" + strconv.Itoa(r.status),
		Excerpt: string(r.body),
		After:   retryAfter(r.header.Get("Retry-After"), now),
	}
	switch {
	case r.impossible: // err may quote the URL
		o.Kind, o.Scope, o.Code, o.Excerpt = Failed, CredentialScope, "invalid_url", "not called: what was given as a URL is none that may be called; it must be https, or an operator must allow http by --allow-http"
	case errors.Is(r.err, ssrf.ErrProhibitedIP):
		o.Kind, o.Scope, o.Code, o.Excerpt = Failed, CredentialScope, "forbidden_address", forbidden
	case r.status == 0 && !r.begun:
		o.Kind, o.Code, o.Excerpt = Retry, unsent(r.err), cause(r.err)
	case r.status == 0:
		o.Kind, o.Code, o.Excerpt = Unknown, lost(r.err), cause(r.err)
	case r.status == http.StatusTooManyRequests:
		o.Kind = Paused
	case r.status == http.StatusRequestTimeout, r.status == http.StatusTooEarly, r.status >= 500:
		o.Kind = Retry
	case r.status >= 200 && r.status < 300 && r.err != nil:
		o.Kind, o.Code = Unknown, lost(r.err)
	case r.status >= 200 && r.status < 300:
		o.Kind, o.Code = Unknown, "unreadable_answer"
	case r.status >= 300 && r.status < 400:
		// To try again would only be sent away again. Nothing is known against the
		// destination or the credential, so the narrowest scope.
		o.Kind, o.Scope, o.Code = Failed, MessageScope, "redirect"
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		o.Kind, o.Scope = Failed, CredentialScope
	default:
		o.Kind, o.Scope = Failed, MessageScope
	}
	return o
}

// A meaning is what a provider's answer comes to.
type meaning struct {
	kind  Kind
	scope Scope // where kind is Failed
}

// as is the outcome with that meaning.
func (o Outcome) as(m meaning) Outcome {
	o.Kind, o.Scope = m.kind, m.scope
	return o
}

// readJSON reads an answer that is one JSON object; T's zero value where it is none. One
// that is whole counts though the connection broke behind it: no head of an object is an
// object. What providers answer is far shorter than maxAnswer, also where they repeat the
// message: 24 KiB where all of it is escaped.
func readJSON[T any](r reply) T {
	var said, nothing T
	if json.Unmarshal(r.body, &said) != nil {
		return nothing
	}
	return said
}

// success says whether the provider answered with a 2xx.
func (o Outcome) success() bool { return o.Status >= 200 && o.Status < 300 }

// uncallable is the outcome where there was no call, because of what is wrong with
// the credential. err must not quote it.
func uncallable(err error) Outcome {
	return Outcome{Kind: Failed, Scope: CredentialScope, Code: "invalid_credential", Excerpt: err.Error()}
}

// unreachable is the outcome where there was no call, because of what is wrong with
// the destination.
func unreachable(err error) Outcome {
	return Outcome{Kind: Failed, Scope: DestinationScope, Code: "invalid_destination", Excerpt: err.Error()}
}

// unsent is the code for a call that broke before its request was written.
func unsent(err error) string {
	var (
		dns         *net.DNSError
		op          *net.OpError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection_refused"
	case errors.As(err, &dns):
		return "dns_error"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case timedOut(err):
		return "timeout"
	case errors.As(err, &certificate), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "tls_error"
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // crypto/tls's words for alerts
		return "tls_error"
	case op != nil && op.Op == "dial":
		return "dial_error"
	default:
		return "connection_error"
	}
}

// lost is the code for a call that broke after its request was, or may have been,
// written.
func lost(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case timedOut(err):
		return "timeout"
	default:
		return "connection_lost"
	}
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// cause is the text of an error without the URL that net/http puts in front of
// it: for some messengers the URL is the password.
func cause(err error) string {
	var at *url.Error
	if errors.As(err, &at) && at.Op != "parse" {
		err = at.Err
	}
	return redact.Error(err).Error()
}
