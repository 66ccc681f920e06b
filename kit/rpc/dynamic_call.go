package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
)

// unary forwards a call.
func (d *dynamicMethod) unary(ctx context.Context, req *connect.Request[dynamicMessage]) (*connect.Response[dynamicMessage], error) {
	out := connect.NewRequest(req.Msg)
	passRequestHeader(ctx, out.Header(), req.Header())
	res, err := d.client.CallUnary(ctx, out)
	if err != nil {
		return nil, d.failure(ctx, err)
	}
	response := connect.NewResponse(res.Msg)
	passResponseHeader(response.Header(), res.Header())
	passResponseHeader(response.Trailer(), res.Trailer())
	return response, nil
}

// serverStream forwards a call with a stream of responses.
func (d *dynamicMethod) serverStream(ctx context.Context, req *connect.Request[dynamicMessage], to *connect.ServerStream[dynamicMessage]) error {
	out := connect.NewRequest(req.Msg)
	passRequestHeader(ctx, out.Header(), req.Header())
	from, err := d.client.CallServerStream(ctx, out)
	if err != nil {
		return d.failure(ctx, err)
	}
	defer func() { _ = from.Close() }() // Err has the error
	passResponseHeader(to.ResponseHeader(), from.ResponseHeader())
	if err := to.Send(nil); err != nil { // the header: the first message may take long
		return err
	}
	for from.Receive() {
		if err := to.Send(from.Msg()); err != nil {
			return err
		}
	}
	if err := from.Err(); err != nil {
		return d.failure(ctx, err)
	}
	passResponseHeader(to.ResponseTrailer(), from.ResponseTrailer())
	return nil
}

// clientStream forwards a call with a stream of requests.
func (d *dynamicMethod) clientStream(ctx context.Context, from *connect.ClientStream[dynamicMessage]) (*connect.Response[dynamicMessage], error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the call if the stream of requests fails
	out := d.client.CallClientStream(ctx)
	passRequestHeader(ctx, out.RequestHeader(), from.RequestHeader())
	for from.Receive() {
		if err := out.Send(from.Msg()); errors.Is(err, io.EOF) {
			break // the upstream has ended the call: CloseAndReceive returns how
		} else if err != nil {
			return nil, d.failure(ctx, err)
		}
	}
	if err := from.Err(); err != nil {
		return nil, err
	}
	res, err := out.CloseAndReceive()
	if err != nil {
		return nil, d.failure(ctx, err)
	}
	response := connect.NewResponse(res.Msg)
	passResponseHeader(response.Header(), res.Header())
	passResponseHeader(response.Trailer(), res.Trailer())
	return response, nil
}

// bidiStream forwards a call with streams in both directions. It returns once the upstream has
// ended the call, and its requests are no longer read.
func (d *dynamicMethod) bidiStream(ctx context.Context, stream *connect.BidiStream[dynamicMessage, dynamicMessage]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := d.client.CallBidiStream(ctx)
	passRequestHeader(ctx, out.RequestHeader(), stream.RequestHeader())
	var ended atomic.Bool
	requests := make(chan error, 1)
	go func() {
		err := forwardRequests(stream, out)
		if ended.Load() {
			err = nil // that of stopReading
		} else if err != nil {
			cancel() // the upstream must not take the requests before it for all
		}
		requests <- err
	}()
	err := d.forwardResponses(ctx, out, stream)
	ended.Store(true)
	stopReading(ctx)
	cancel()
	if failed := <-requests; failed != nil {
		return failed
	}
	return err
}

// An abortingClient aborts a request whose context ends while its body waits for a message. The
// HTTP/2 client of net/http does not once it has the header of the response.
type abortingClient struct{ next connect.HTTPClient }

// Do sends a request.
func (c abortingClient) Do(req *http.Request) (*http.Response, error) {
	body := req.Body // a pipe
	context.AfterFunc(req.Context(), func() { _ = body.Close() })
	return c.next.Do(req)
}

// forwardRequests sends the requests of a stream to an upstream. It returns the error of the
// stream.
func forwardRequests(from *connect.BidiStream[dynamicMessage, dynamicMessage], to *connect.BidiStreamForClient[dynamicMessage, dynamicMessage]) error {
	if err := to.Send(nil); err != nil { // the header: the first message may take long
		return nil //nolint:nilerr // Receive has the cause
	}
	for {
		message, err := from.Receive()
		if errors.Is(err, io.EOF) {
			_ = to.CloseRequest() // Receive has the cause
			return nil
		}
		if err != nil {
			return err
		}
		if err := to.Send(message); err != nil {
			return nil //nolint:nilerr // as above
		}
	}
}

// forwardResponses sends the responses of an upstream to a stream.
func (d *dynamicMethod) forwardResponses(ctx context.Context, from *connect.BidiStreamForClient[dynamicMessage, dynamicMessage], to *connect.BidiStream[dynamicMessage, dynamicMessage]) error {
	defer func() { _ = from.CloseResponse() }() // Receive has the error
	passResponseHeader(to.ResponseHeader(), from.ResponseHeader())
	if err := to.Send(nil); err != nil {
		return err
	}
	for {
		message, err := from.Receive()
		if isStreamEnd(err) {
			passResponseHeader(to.ResponseTrailer(), from.ResponseTrailer())
			return nil
		}
		if err != nil {
			return d.failure(ctx, err)
		}
		if err := to.Send(message); err != nil {
			return err
		}
	}
}

// isStreamEnd reports whether a stream has ended without an error.
func isStreamEnd(err error) bool {
	return err == io.EOF || err != nil && isCleanEnd(err) //nolint:errorlint // io.EOF within another error is that of a connection
}

// failure returns the error that callers get for an error of the upstream: with its code, its
// text, its details and its trailers. It says nothing of a failure within the upstream, which
// is logged.
func (d *dynamicMethod) failure(ctx context.Context, err error) error {
	e, ok := errors.AsType[*connect.Error](err)
	if !ok || !connect.IsWireError(err) {
		return err
	}
	switch e.Code() {
	case connect.CodeUnknown, connect.CodeInternal, connect.CodeDataLoss:
		d.rest.log.ErrorContext(ctx, "upstream failed", "procedure", d.procedure, "code", e.Code().String(), "error", truncate(e.Message(), maxLogBytes))
		return connect.NewError(connect.CodeInternal, errInternal)
	}
	out := connect.NewError(e.Code(), errors.New(e.Message()))
	passResponseHeader(out.Meta(), e.Meta())
	for _, detail := range e.Details() {
		out.AddDetail(detail)
	}
	return out
}

// withOpenBody wraps a handler that reads a stream of requests: it has no timeout, and does not
// count as one large body. The handler can stop reading by stopReading.
func withOpenBody(next http.Handler) http.Handler { return openBodies{next} }

type openBodies struct{ next http.Handler }

// controllerKey is the key of the *http.ResponseController of a stream in its context.
type controllerKey struct{}

// ServeHTTP serves a request.
func (h openBodies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if body, ok := r.Body.(*requestBody); ok {
		body.open()
	}
	controller := http.NewResponseController(w)
	h.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), controllerKey{}, controller)))
}

// stopReading ends the reading of the body of a request of openBodies.
func stopReading(ctx context.Context) {
	if controller, ok := ctx.Value(controllerKey{}).(*http.ResponseController); ok {
		_ = controller.SetReadDeadline(time.Unix(1, 0)) // fails only for the writer of a test
	}
}
