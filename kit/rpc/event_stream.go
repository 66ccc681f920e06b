package rpc

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
)

const (
	// commentInterval is the time without an event after which a comment is sent, because
	// proxies close connections that are idle.
	commentInterval = 15 * time.Second
	// minReconnect and maxReconnect bound the time after which a client connects again. It is
	// random, so that the clients of a process that stops do not all come at once.
	minReconnect, maxReconnect = time.Second, 3 * time.Second
	// envelopeHeaderBytes is the size of the header of a message in a stream of Connect: flags
	// and length.
	envelopeHeaderBytes = 5
	// endFlag is the flag of the last message of a stream of Connect, which holds its error.
	endFlag = 0b10
)

// An eventStream is the response of a method that streams, as Server-Sent Events (WHATWG HTML,
// section 9.2). The method is called by Connect: its messages come by eventConn.Send, and Connect
// itself writes only the end of the stream, which has the error.
//
// An error before the first event is a REST error with its status. A later one is an event of
// the type "status" with the same body, and ends the stream.
//
// The call uses it by one goroutine; comments are sent by a timer.
type eventStream struct {
	out    *restWriter
	cancel context.CancelFunc // ends the call
	header http.Header        // of the call
	end    []byte             // what Connect has written
	status int                // that Connect has written; 0 for none

	mu       sync.Mutex
	comments *time.Timer // nil until the header is written
	closed   bool        // nothing may be written any more
	err      error
	frame    []byte // reused
}

// eventStreamKey is the key of an *eventStream in the context of its call.
type eventStreamKey struct{}

// serveEvents serves a request of a route with events.
func (h *restHandler) serveEvents(found routeMatch, out *restWriter, r *http.Request) {
	request, err := found.eventRequest(r)
	if err != nil {
		out.writeError(http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stopping := func() bool { return false }
	if info := InfoOf(ctx); info != nil && info.stopping != nil {
		defer info.stopping.afterFunc(cancel)()
		stopping = info.stopping.stopped
	}
	s := &eventStream{out: out, cancel: cancel, header: http.Header{}}
	defer s.close()
	h.connect.ServeHTTP(s, request.WithContext(context.WithValue(ctx, eventStreamKey{}, s)))
	s.finish(stopping())
}

// Header returns the header of the call.
func (s *eventStream) Header() http.Header { return s.header }

// WriteHeader keeps the status of an error of Connect.
func (s *eventStream) WriteHeader(status int) { s.status = status }

// Write keeps a part of the end of the stream.
func (s *eventStream) Write(data []byte) (int, error) {
	s.end = append(s.end, data...)
	return len(data), nil
}

// Flush does nothing: events are flushed when they are sent.
func (s *eventStream) Flush() {}

// Unwrap returns the wrapped writer to http.ResponseController.
func (s *eventStream) Unwrap() http.ResponseWriter { return s.out }

// send sends a message as an event.
func (s *eventStream) send(message proto.Message) error {
	event := Event{Data: message}
	if s.out.rule.Event != nil {
		event = s.out.rule.Event(message)
	}
	data, err := appendJSON(nil, event.Data, s.out.types)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(event.ID, event.Name, data)
}

// begin sends the header, unless it is sent.
func (s *eventStream) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.comments != nil {
		return s.err
	}
	return s.flush(s.beginning())
}

// beginning returns the beginning of what the call sends next: empty, but for the first time,
// when it writes the header. It requires mu.
func (s *eventStream) beginning() []byte {
	frame := s.frame[:0]
	if s.comments != nil {
		return frame
	}
	s.comments = time.AfterFunc(commentInterval, s.comment)
	header := s.out.Header()
	for name, values := range s.header {
		if !strings.HasPrefix(name, "Connect-") && name != "Content-Encoding" {
			header[name] = values
		}
	}
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no") // of nginx
	header.Set("X-Content-Type-Options", "nosniff")
	s.out.status = http.StatusOK
	s.out.ResponseWriter.WriteHeader(http.StatusOK)
	wait := minReconnect + rand.N(maxReconnect-minReconnect) //nolint:gosec // no secret
	return fmt.Appendf(frame, "retry: %d\n\n", wait.Milliseconds())
}

// write sends an event. It requires mu.
func (s *eventStream) write(id, name string, data []byte) error {
	frame := s.beginning()
	if id != "" {
		frame = append(append(append(frame, "id: "...), id...), '\n')
	}
	if name != "" {
		frame = append(append(append(frame, "event: "...), name...), '\n')
	}
	return s.flush(append(append(append(frame, "data: "...), data...), "\n\n"...))
}

// flush sends data, and ends the call if it fails. It requires mu.
func (s *eventStream) flush(data []byte) error {
	s.frame = data
	if cap(data) > maxFrameBytes {
		s.frame = nil
	}
	switch {
	case s.err != nil:
		return s.err
	case s.closed:
		return errStreamClosed
	}
	_, err := s.out.ResponseWriter.Write(data)
	if err == nil {
		err = http.NewResponseController(s.out.ResponseWriter).Flush()
	}
	if err != nil {
		s.err = connect.NewError(connect.CodeCanceled, fmt.Errorf("send event: %w", err)) // the client is gone, or does not read
		s.cancel()
		return s.err
	}
	s.comments.Reset(commentInterval)
	return nil
}

// maxFrameBytes limits the memory that a stream keeps for the next event.
const maxFrameBytes = 1 << 10

var errStreamClosed = connect.NewError(connect.CodeCanceled, errors.New("the stream has ended"))

// comment sends a comment.
func (s *eventStream) comment() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		_ = s.flush(append(s.frame[:0], ":\n\n"...)) // an error has ended the call
	}
}

// close ends the comments.
func (s *eventStream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.comments != nil {
		s.comments.Stop()
	}
}

// finish ends the response as the call has ended. The clients of a port that stops, and those of a
// service that does, get no error: they connect again.
func (s *eventStream) finish(stopping bool) {
	failure := s.failure()
	if failure != nil && stopping && (failure.Code() == connect.CodeCanceled || failure.Code() == connect.CodeUnavailable) {
		failure = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.comments != nil && failure != nil && isStopping(failure) {
		failure = nil
	}
	switch {
	case failure == nil && s.comments == nil:
		_ = s.flush(s.beginning()) // fails only if the client is gone
	case failure == nil:
	case s.comments == nil:
		s.out.writeCallError(failure)
	case failure.Code() != connect.CodeCanceled: // the client is there
		body, _ := json.Marshal(newRESTError(s.out.described(failure), s.out.types)) // it always marshals
		_ = s.write("", "status", body)
	}
}

// failure returns the error with which the call has ended, or nil.
func (s *eventStream) failure() *connect.Error {
	if s.status >= http.StatusBadRequest {
		return connect.NewError(codeOfStatus(s.status), errors.New(strings.TrimSpace(string(s.end))))
	}
	for rest := s.end; len(rest) >= envelopeHeaderBytes; {
		flags, size := rest[0], binary.BigEndian.Uint32(rest[1:])
		body := rest[envelopeHeaderBytes:]
		if uint64(size) > uint64(len(body)) {
			break
		}
		if flags&endFlag != 0 {
			return endError(body[:size])
		}
		rest = body[size:]
	}
	return connect.NewError(connect.CodeInternal, errors.New("the stream has no end"))
}

// endError returns the error in the end of a stream of Connect, or nil.
func endError(end []byte) *connect.Error {
	var parsed struct {
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(end, &parsed); err != nil {
		return connect.NewError(connect.CodeInternal, fmt.Errorf("end of the stream: %w", err))
	}
	if len(parsed.Error) == 0 {
		return nil
	}
	if e, ok := errorFromConnect(parsed.Error); ok {
		return e
	}
	return connect.NewError(connect.CodeInternal, errors.New("end of the stream: unknown error"))
}

// eventInterceptor is the interceptor that sends the messages of a stream as Server-Sent Events,
// if the request is that of a REST path. It is the first one: others see the messages before it.
type eventInterceptor struct{}

// WrapUnary returns next: a unary call has no events.
func (eventInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

// WrapStreamingClient returns next: the interceptor is for handlers.
func (eventInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler replaces the connection of a stream.
func (eventInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if s, ok := ctx.Value(eventStreamKey{}).(*eventStream); ok {
			conn = eventConn{conn, s}
		}
		return next(ctx, conn)
	}
}

// An eventConn is the connection of a stream that is sent as Server-Sent Events.
type eventConn struct {
	connect.StreamingHandlerConn
	events *eventStream
}

// Send sends a message as an event, or the header for nil.
func (c eventConn) Send(message any) error {
	if message == nil {
		return c.events.begin()
	}
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("message of type %T is not of Protobuf", message)
	}
	return c.events.send(m)
}

// A stopSignal lets calls end when their port stops. It is safe for concurrent use.
type stopSignal struct {
	channel <-chan struct{}
	once    sync.Once
	ctx     context.Context //nolint:containedctx // ends with channel
}

// newStopSignal returns the signal of a channel; nil for nil.
func newStopSignal(channel <-chan struct{}) *stopSignal {
	if channel == nil {
		return nil
	}
	return &stopSignal{channel: channel}
}

// afterFunc calls f once the port stops, until the returned function is called. One goroutine
// waits for the channel, however many calls there are.
func (s *stopSignal) afterFunc(f func()) (stop func() bool) {
	s.once.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		s.ctx = ctx
		go func() {
			defer cancel()
			<-s.channel
		}()
	})
	return context.AfterFunc(s.ctx, f)
}

// stopped reports whether the port stops.
func (s *stopSignal) stopped() bool {
	select {
	case <-s.channel:
		return true
	default:
		return false
	}
}
