package balance

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// maxDiscardBytes is how much of the body of a response is read that is dropped, so that its
// connection can be used again.
const maxDiscardBytes = 4 << 10

// A responseBody is the body of a response of an instance.
type responseBody struct {
	io.ReadCloser
	balancer *Balancer
	from     *instance
	req      *http.Request
	ended    atomic.Bool
}

// track counts a response as in flight until its body ends or is closed. The body of a changed
// protocol (status 101) is a connection, and not counted.
func (b *Balancer) track(res *http.Response, from *instance, req *http.Request) {
	if res.StatusCode == http.StatusSwitchingProtocols || res.Body == nil || res.Body == http.NoBody {
		from.inFlight.Add(-1)
		return
	}
	res.Body = &responseBody{ReadCloser: res.Body, balancer: b, from: from, req: req}
}

// Read reads a part of the body. A connection that fails counts as a failure of the instance.
func (r *responseBody) Read(data []byte) (int, error) {
	n, err := r.ReadCloser.Read(data)
	if err != nil && r.end() && !errors.Is(err, io.EOF) {
		if outcome := outcomeOfError(r.req.Context(), err, true); outcome.isFailure() {
			r.balancer.record(r.from, outcome)
		}
	}
	return n, err
}

// Close closes the body.
func (r *responseBody) Close() error {
	r.end()
	return r.ReadCloser.Close()
}

// end ends the response, and reports whether it had not ended.
func (r *responseBody) end() bool {
	if r.ended.Swap(true) {
		return false
	}
	r.from.inFlight.Add(-1)
	return true
}

// discard drops the body of a response.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxDiscardBytes) // only to reuse the connection
	_ = body.Close()                                   // as above
}

func closeBody(body io.ReadCloser) {
	if body != nil {
		_ = body.Close() // the caller gets another error
	}
}
