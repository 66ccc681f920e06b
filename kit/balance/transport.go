package balance

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// Transport returns the transport for requests with BaseURL. It takes the Protobuf service
// from the path, and sends the request to the next instance of it.
//
// A request is retried at most once, and on another instance only. The body of a request
// without GetBody is kept for that, up to 1 MiB, if the request may be executed twice. The
// response body belongs to the caller, as usual: a stream lives until it is closed.
func (b *Balancer) Transport() http.RoundTripper { return transport{b} }

type transport struct{ *Balancer }

// CloseIdleConnections closes those of the transport below, for http.Client.
func (t transport) CloseIdleConnections() {
	if below, ok := t.options.Transport.(interface{ CloseIdleConnections() }); ok {
		below.CloseIdleConnections()
	}
}

// RoundTrip sends a request. Without an instance it returns an error that matches
// ErrNoInstance.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	service, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	first := t.current.Load().rotations[service].pick(nil)
	if first == nil {
		closeBody(req.Body)
		return nil, &noInstanceError{service}
	}
	body := t.newBody(req)
	res, outcome, err := t.send(req, first, body.first())
	if !outcome.isFailure() || !outcome.isRetried(t.mayRepeat(req), body.isReplayable()) || req.Context().Err() != nil {
		body.finish()
		return res, err
	}
	second := t.current.Load().rotations[service].pick(first)
	if second == nil {
		body.finish()
		return res, err
	}
	again, failed := body.again()
	if failed != nil {
		body.finish()
		return res, err
	}
	if res != nil {
		discard(res.Body)
	}
	t.options.Metrics.BalancedRetry(first.name, outcome)
	res, _, err = t.send(req, second, again)
	body.finish()
	return res, err
}

// mayRepeat reports whether a request may be executed twice.
func (b *Balancer) mayRepeat(req *http.Request) bool {
	return isRepeatable(req.Context()) || b.options.Repeatable(req.URL.Path, req.Header)
}

// send sends a request to an instance, and records the outcome.
func (b *Balancer) send(req *http.Request, to *instance, body io.ReadCloser) (*http.Response, Outcome, error) {
	var sent atomic.Bool // the header, since net/http chose the last connection
	ctx := req.Context()
	out := req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { sent.Store(false) }, // again if the server has not executed the request
		WroteHeaders: func() { sent.Store(true) },
	}))
	out.URL, out.Host, out.Body = to.target(req.URL), "", body
	to.inFlight.Add(1)
	res, err := b.options.Transport.RoundTrip(out)
	var outcome Outcome
	if err != nil {
		outcome = outcomeOfError(ctx, err, sent.Load())
		to.inFlight.Add(-1)
	} else {
		outcome = outcomeOfResponse(ctx, res)
		b.track(res, to, req)
	}
	b.record(to, outcome)
	b.options.Metrics.BalancedRequest(to.name, outcome)
	return res, outcome, err
}

// record counts an outcome, and takes the instance out if its breaker opens.
func (b *Balancer) record(one *instance, outcome Outcome) {
	switch {
	case outcome == Responded:
		one.succeed()
	case outcome.isFailure() && one.fail():
		b.openBreaker(one, outcome)
	}
}
