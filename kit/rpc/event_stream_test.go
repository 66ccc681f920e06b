package rpc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const streamPath = "/v1/inbox/stream"

var watchRules = RESTRules{"GET " + streamPath: {Event: func(m proto.Message) Event {
	res, ok := m.(*inboxv1.WatchResponse)
	if !ok {
		return Event{Data: m}
	}
	if item := res.GetItem(); item != nil {
		return Event{ID: item.GetId(), Data: item}
	}
	return Event{ID: res.GetAfterId(), Name: "ready", Data: res}
}}}

// A watchService is an inbox whose Watch is a function.
type watchService struct {
	inboxv1connect.UnimplementedInboxServiceHandler
	watch func(context.Context, *inboxv1.WatchRequest, *connect.ServerStream[inboxv1.WatchResponse]) error
}

func (s watchService) Watch(ctx context.Context, req *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
	return s.watch(ctx, req, stream)
}

type watchFunc func(ctx context.Context, req *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error

// watchHandler returns the handler of a port with the method.
func watchHandler(t testing.TB, l Listener, watch watchFunc, interceptors ...connect.Interceptor) http.Handler {
	t.Helper()
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), noop.Int64Counter{}, watchRules)
	if err != nil {
		t.Fatal(err)
	}
	l.Services = []Service{Public(options.With(interceptors...), inboxv1connect.NewInboxServiceHandler, inboxv1connect.InboxServiceHandler(watchService{watch: watch}))}
	handler, err := l.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return withResponseLimits(handler)
}

// serveWatch serves a port with the method by HTTP/1.1.
func serveWatch(t testing.TB, l Listener, watch watchFunc, interceptors ...connect.Interceptor) string {
	t.Helper()
	server := httptest.NewServer(watchHandler(t, l, watch, interceptors...))
	t.Cleanup(server.Close)
	return server.URL
}

// get sends a request with headers in pairs of name and value.
func get(t testing.TB, method, url string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// A received is an event as a client parses it.
type received struct{ id, name, data string }

// events returns a function that returns the next event; the zero event at the end.
func events(t testing.TB, body io.Reader) func() received {
	t.Helper()
	lines := bufio.NewScanner(body)
	return func() received {
		var e received
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.data != "" {
					return e
				}
			}
		}
		return e
	}
}

func item(id string) *inboxv1.WatchResponse {
	return &inboxv1.WatchResponse{Item: &inboxv1.Item{Id: id, Text: "line\nline"}}
}

// TestEvents checks what a client receives, and the request that the method gets.
func TestEvents(t *testing.T) {
	requests := make(chan *inboxv1.WatchRequest, 1)
	proceed := make(chan struct{})
	url := serveWatch(t, Listener{}, func(_ context.Context, req *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
		requests <- req
		if err := stream.Send(&inboxv1.WatchResponse{UnreadCount: 3, LastId: "7", AfterId: "6"}); err != nil {
			return err
		}
		<-proceed // the first event is sent at once
		for _, id := range []string{"7", "9"} {
			if err := stream.Send(item(id)); err != nil {
				return err
			}
		}
		return nil
	})
	res := get(t, http.MethodGet, url+streamPath+"?nickName=kim&after_id=2", "Last-Event-ID", "6", "Accept-Encoding", "gzip") //nolint:bodyclose // closed when the test ends
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || !strings.Contains(res.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	for name := range res.Header {
		if strings.HasPrefix(name, "Connect-") || strings.Contains(name, "Encoding") {
			t.Errorf("header %s", name)
		}
	}
	if req := <-requests; req.GetNickName() != "kim" || req.GetAfterId() != "6" {
		t.Errorf("the method gets %v", req)
	}
	next := events(t, res.Body)
	if e := next(); e != (received{"6", "ready", `{"unreadCount":3,"lastId":"7","afterId":"6"}`}) {
		t.Errorf("first event %q", e)
	}
	close(proceed)
	for _, id := range []string{"7", "9"} {
		e := next()
		var data struct{ ID, Text string }
		if err := json.Unmarshal([]byte(e.data), &data); err != nil || e.id != id || e.name != "" || data.ID != id || data.Text != "line\nline" {
			t.Errorf("event %q, %v; want item %s", e, err, id)
		}
	}
	if e := next(); e != (received{}) {
		t.Errorf("after the end: %q", e)
	}
}

// TestEventRetry checks that the stream says when to connect again.
func TestEventRetry(t *testing.T) {
	url := serveWatch(t, Listener{}, func(context.Context, *inboxv1.WatchRequest, *connect.ServerStream[inboxv1.WatchResponse]) error {
		return nil
	})
	body, err := io.ReadAll(get(t, http.MethodGet, url+streamPath).Body) //nolint:bodyclose // closed when the test ends
	if err != nil {
		t.Fatal(err)
	}
	wait, ok := strings.CutPrefix(strings.TrimSuffix(string(body), "\n\n"), "retry: ")
	if n, err := strconv.Atoi(wait); !ok || err != nil || n < 1000 || n > 3000 {
		t.Errorf("an empty stream is %q", body)
	}
}

// refuse returns a stage that responds with an error.
func refuse(err *connect.Error) Stage {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { WriteError(w, r, err, slog.New(slog.DiscardHandler)) })
	}
}

// TestErrorsBeforeEvents checks that an error before the first event is that of any REST path.
func TestErrorsBeforeEvents(t *testing.T) {
	fails := func(err error) watchFunc {
		return func(context.Context, *inboxv1.WatchRequest, *connect.ServerStream[inboxv1.WatchResponse]) error {
			return err
		}
	}
	refusing := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc { return next })
	for _, c := range []struct {
		name, method, path string
		header             []string
		stage              Stage
		watch              watchFunc
		status             int
		code               connect.Code
		texts              []string // in the body or the header
	}{
		{name: "unknown parameter", path: "?nickname=kim", status: 400, code: connect.CodeInvalidArgument, texts: []string{`unknown field \"nickname\"`}},
		{name: "malformed query", path: "?nickName=%zz", status: 400, code: connect.CodeInvalidArgument, texts: []string{"MALFORMED_REQUEST"}},
		{name: "two values", path: "?nickName=a&nickName=b", status: 400, code: connect.CodeInvalidArgument, texts: []string{"send it once"}},
		{name: "long query", path: "?nickName=" + strings.Repeat("x", maxQueryBytes), status: 400, code: connect.CodeInvalidArgument, texts: []string{"REQUEST_TOO_LARGE"}},
		{name: "long value", path: "?nickName=" + strings.Repeat("x", 121), status: 400, code: connect.CodeInvalidArgument, texts: []string{"nick_name", "buf.validate.Violations"}},
		{name: "invalid last event", header: []string{"Last-Event-ID", "x"}, status: 400, code: connect.CodeInvalidArgument, texts: []string{"after_id"}},
		{name: "last event not UTF-8", header: []string{"Last-Event-ID", "\xff"}, status: 400, code: connect.CodeInvalidArgument, texts: []string{"Last-Event-ID"}},
		{name: "invalid timeout", header: []string{"X-Server-Timeout", "soon"}, status: 400, code: connect.CodeInvalidArgument, texts: []string{"X-Server-Timeout"}},
		{name: "no caller", stage: refuse(connect.NewError(connect.CodeUnauthenticated, errors.New("credentials are required"))), status: 401, code: connect.CodeUnauthenticated, texts: []string{"UNAUTHENTICATED"}},
		{name: "not allowed", stage: refuse(connect.NewError(connect.CodePermissionDenied, errors.New("not allowed"))), status: 403, code: connect.CodePermissionDenied},
		{name: "too many streams", stage: refuse(connect.NewError(connect.CodeResourceExhausted, fault.WithDelay(errors.New("too many"), time.Second))), status: 429, code: connect.CodeResourceExhausted, texts: []string{"Retry-After: 1", "RetryInfo"}},
		{name: "busy", stage: refuse(connect.NewError(connect.CodeUnavailable, errors.New("busy"))), status: 503, code: connect.CodeUnavailable},
		{name: "unknown path", path: "s", status: 404, code: connect.CodeNotFound},
		{name: "other method", method: http.MethodPost, status: 405, code: connect.CodeUnimplemented, texts: []string{"Allow: GET\r\n"}},
		{name: "HEAD", method: http.MethodHead, status: 405, texts: []string{"Allow: GET\r\n"}},
		{name: "not found", watch: fails(fault.WithResource(fault.NotFoundf("no inbox"), "inbox", "kim")), status: 404, code: connect.CodeNotFound, texts: []string{"no inbox", "ResourceInfo"}},
		{name: "invalid", watch: fails(fault.InvalidField("nick_name", "is needed")), status: 400, code: connect.CodeInvalidArgument, texts: []string{"nick_name", "is needed"}},
		{name: "exhausted", watch: fails(fault.WithDelay(fault.Exhaustedf("too many readers"), 2*time.Second)), status: 429, code: connect.CodeResourceExhausted, texts: []string{"Retry-After: 2"}},
		{name: "unavailable", watch: fails(fault.Unavailablef("no store; try again")), status: 503, code: connect.CodeUnavailable, texts: []string{"no store"}},
		{name: "deadline", watch: fails(context.DeadlineExceeded), status: 408, code: connect.CodeDeadlineExceeded},
		{name: "internal", watch: fails(errors.New("secret")), status: 500, code: connect.CodeInternal, texts: []string{"internal error"}},
		{name: "panic", watch: func(context.Context, *inboxv1.WatchRequest, *connect.ServerStream[inboxv1.WatchResponse]) error {
			panic("secret")
		}, status: 500, code: connect.CodeInternal, texts: []string{"internal error"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := Listener{}
			if c.stage != nil {
				l.Stages = []Stage{c.stage}
			}
			if c.method == "" {
				c.method = http.MethodGet
			}
			res := get(t, c.method, serveWatch(t, l, c.watch, refusing)+streamPath+c.path, c.header...) //nolint:bodyclose // closed when the test ends
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Connect-Accept-Encoding") != "" {
				t.Errorf("%d %v: %s", res.StatusCode, res.Header, body)
			}
			var parsed struct {
				Code    connect.Code `json:"-"`
				Number  uint32       `json:"code"`
				Message string       `json:"message"`
			}
			if err := json.Unmarshal(body, &parsed); c.method != http.MethodHead && (err != nil || parsed.Number != uint32(c.code)) {
				t.Errorf("%s, %v", body, err)
			}
			var header strings.Builder
			if err := res.Header.Write(&header); err != nil {
				t.Fatal(err)
			}
			for _, text := range c.texts {
				if !strings.Contains(header.String()+string(body), text) {
					t.Errorf("no %s in\n%s%s", text, header.String(), body)
				}
			}
			if strings.Contains(string(body), "secret") {
				t.Errorf("internal text: %s", body)
			}
		})
	}
}

// TestErrorWithinEvents checks that a later error is the last event, and that of a stage that
// wraps the stream is too.
func TestErrorWithinEvents(t *testing.T) {
	for _, c := range []struct {
		err  error
		code connect.Code
		text string
	}{
		{fault.WithReason(fault.Exhaustedf("too slow"), "TOO_SLOW"), connect.CodeResourceExhausted, "TOO_SLOW"},
		{errors.New("secret"), connect.CodeInternal, `"internal error"`},
	} {
		url := serveWatch(t, Listener{}, func(_ context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
			if err := stream.Send(item("1")); err != nil {
				return err
			}
			return c.err
		})
		next := events(t, get(t, http.MethodGet, url+streamPath).Body) //nolint:bodyclose // closed when the test ends
		if e := next(); e.id != "1" {
			t.Errorf("first event %q", e)
		}
		var parsed struct{ Code uint32 }
		e := next()
		if err := json.Unmarshal([]byte(e.data), &parsed); err != nil || e.id != "" || e.name != "status" || parsed.Code != uint32(c.code) || !strings.Contains(e.data, c.text) {
			t.Errorf("last event %q, %v", e, err)
		}
		if e := next(); e != (received{}) {
			t.Errorf("after the end: %q", e)
		}
	}
}

// countingInterceptor counts the messages of streams.
type countingInterceptor struct {
	eventInterceptor
	mu       sync.Mutex
	messages []string
}

func (c *countingInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		info := InfoOf(ctx)
		c.mu.Lock()
		c.messages = append(c.messages, conn.Spec().Procedure, info.Procedure, info.Route, strconv.FormatBool(info.Streaming))
		c.mu.Unlock()
		return next(ctx, countingConn{conn, c})
	}
}

type countingConn struct {
	connect.StreamingHandlerConn
	counter *countingInterceptor
}

func (c countingConn) Send(message any) error {
	c.counter.mu.Lock()
	c.counter.messages = append(c.counter.messages, "sent")
	c.counter.mu.Unlock()
	return c.StreamingHandlerConn.Send(message)
}

// TestInterceptorsOfEvents checks that interceptors see the method and its messages.
func TestInterceptorsOfEvents(t *testing.T) {
	counter := &countingInterceptor{}
	url := serveWatch(t, Listener{}, func(_ context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
		return stream.Send(item("1"))
	}, counter)
	if _, err := io.ReadAll(get(t, http.MethodGet, url+streamPath).Body); err != nil { //nolint:bodyclose // closed when the test ends
		t.Fatal(err)
	}
	const procedure = "/bongsu.inbox.v1.InboxService/Watch"
	if want := []string{procedure, procedure, "GET " + streamPath, "true", "sent"}; !slices.Equal(counter.messages, want) {
		t.Errorf("%q", counter.messages)
	}
}

// TestStreamByConnect checks that the method is as before by Connect.
func TestStreamByConnect(t *testing.T) {
	url := serveWatch(t, Listener{}, func(_ context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
		return stream.Send(item("1"))
	})
	stream, err := inboxv1connect.NewInboxServiceClient(http.DefaultClient, url).Watch(t.Context(), &inboxv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() || stream.Msg().GetItem().GetId() != "1" || stream.Receive() || stream.Err() != nil {
		t.Errorf("%v, %v", stream.Msg(), stream.Err())
	}
	_ = stream.Close() // the test has what it needs
}

// A pieceWriter is a response whose pieces go to a channel when they are flushed.
type pieceWriter struct {
	header http.Header
	status int
	buffer []byte
	pieces chan string
	lost   bool // after the first piece
}

func (w *pieceWriter) Header() http.Header { return w.header }
func (w *pieceWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *pieceWriter) Write(data []byte) (int, error) {
	w.buffer = append(w.buffer, data...)
	return len(data), nil
}

func (w *pieceWriter) FlushError() error {
	if w.lost && len(w.pieces) > 0 {
		return io.ErrClosedPipe
	}
	w.pieces <- string(w.buffer)
	w.buffer = nil
	return nil
}

// TestEventComments checks that a stream without events has a comment after each interval, and
// none after its end.
func TestEventComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		send := make(chan struct{})
		handler := watchHandler(t, Listener{}, func(_ context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
			if err := stream.Conn().Send(nil); err != nil { // the header
				return err
			}
			for range send {
				if err := stream.Send(item("1")); err != nil {
					return err
				}
			}
			return nil
		})
		w := &pieceWriter{header: http.Header{}, pieces: make(chan string, 10)}
		ended := make(chan struct{})
		start := time.Now()
		go func() {
			defer close(ended)
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, streamPath, nil))
		}()
		if first := <-w.pieces; !strings.HasPrefix(first, "retry: ") || time.Since(start) != 0 {
			t.Errorf("%q after %s", first, time.Since(start))
		}
		if piece := <-w.pieces; piece != ":\n\n" || time.Since(start) != commentInterval {
			t.Errorf("%q after %s", piece, time.Since(start))
		}
		if piece := <-w.pieces; piece != ":\n\n" || time.Since(start) != 2*commentInterval {
			t.Errorf("%q after %s", piece, time.Since(start))
		}
		time.Sleep(commentInterval - time.Second)
		send <- struct{}{}
		if piece := <-w.pieces; !strings.HasPrefix(piece, "id: 1\ndata: {") {
			t.Errorf("%q", piece)
		}
		sent := time.Now()
		if piece := <-w.pieces; piece != ":\n\n" || time.Since(sent) != commentInterval {
			t.Errorf("%q %s after an event", piece, time.Since(sent))
		}
		close(send)
		<-ended
		time.Sleep(2 * commentInterval)
		synctest.Wait()
		if len(w.pieces) > 0 || len(w.buffer) > 0 {
			t.Errorf("%q after the end", <-w.pieces)
		}
	})
}

// TestEventsOfLostClient checks that a stream ends if a comment cannot be sent, as one whose client
// does not read.
func TestEventsOfLostClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := watchHandler(t, Listener{}, func(ctx context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
			if err := stream.Conn().Send(nil); err != nil {
				return err
			}
			<-ctx.Done()
			if err := stream.Send(item("1")); connect.CodeOf(err) != connect.CodeCanceled {
				t.Errorf("an event of a lost client: %v", err)
			}
			return ctx.Err()
		})
		w := &pieceWriter{header: http.Header{}, pieces: make(chan string, 1), lost: true}
		start := time.Now()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, streamPath, nil))
		if time.Since(start) != commentInterval {
			t.Errorf("ended after %s", time.Since(start))
		}
	})
}

// TestEventsOfStoppingPort checks that a port that stops ends its streams without an error, also
// one that begins then.
func TestEventsOfStoppingPort(t *testing.T) {
	stopping := make(chan struct{})
	url := serveWatch(t, Listener{Stopping: stopping}, func(ctx context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
		if err := stream.Send(item("1")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	first, second := events(t, get(t, http.MethodGet, url+streamPath).Body), events(t, get(t, http.MethodGet, url+streamPath).Body) //nolint:bodyclose // closed when the test ends
	for _, next := range []func() received{first, second} {
		if e := next(); e.id != "1" {
			t.Errorf("first event %q", e)
		}
	}
	close(stopping)
	for _, next := range []func() received{first, second} {
		if e := next(); e != (received{}) {
			t.Errorf("after the stop: %q", e)
		}
	}
	if res := get(t, http.MethodGet, url+streamPath); res.StatusCode != http.StatusOK { //nolint:bodyclose // closed when the test ends
		t.Errorf("a stream that begins then: %d", res.StatusCode)
	} else if _, err := io.ReadAll(res.Body); err != nil {
		t.Error(err)
	}
}

// TestEventsOfJoinedService checks that a service that is known only at run time has events too.
func TestEventsOfJoinedService(t *testing.T) {
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), noop.Int64Counter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewUnstartedServer(nil)
	_, upstream.Config.Handler = inboxv1connect.NewInboxServiceHandler(watchService{watch: func(ctx context.Context, req *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
		if err := stream.Send(&inboxv1.WatchResponse{AfterId: req.GetAfterId()}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	upstream.Config.Protocols = new(http.Protocols)
	upstream.Config.Protocols.SetUnencryptedHTTP2(true)
	upstream.Start()
	t.Cleanup(upstream.Close)
	descriptor := inboxv1.File_bongsu_inbox_v1_inbox_proto.Services().ByName("InboxService")
	files := new(protoregistry.Files)
	if err := files.RegisterFile(descriptor.ParentFile()); err != nil {
		t.Fatal(err)
	}
	service, err := Dynamic(options, DynamicSchema{Service: descriptor, Files: files}, Upstream{
		Client: NewHTTPClient(), URL: upstream.URL, Options: ClientOptions("inbox", slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatal(err)
	}
	joined, stopping := new(ServiceSet), make(chan struct{})
	if err := joined.Replace(service); err != nil {
		t.Fatal(err)
	}
	handler, err := Listener{Joined: joined, Stopping: stopping}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	next := events(t, get(t, http.MethodGet, server.URL+streamPath, "Last-Event-ID", "12").Body) //nolint:bodyclose // closed when the test ends
	if e := next(); e != (received{data: `{"unreadCount":0,"lastId":"","afterId":"12"}`}) {
		t.Errorf("first event %q", e)
	}
	close(stopping)
	if e := next(); e != (received{}) {
		t.Errorf("after the stop: %q", e)
	}
}
