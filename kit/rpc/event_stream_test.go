package rpc

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/reflect/protoregistry"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
)

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
	if e := next(); e != (received{"6", "ready", `{"unreadCount":3,"lastId":"7","afterId":"6","changed":false}`}) {
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

// TestEventsOfJoinedService checks that a service that is known only at run time has events too.
func TestEventsOfJoinedService(t *testing.T) {
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), nil)
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
	if e := next(); e != (received{data: `{"unreadCount":0,"lastId":"","afterId":"12","changed":false}`}) {
		t.Errorf("first event %q", e)
	}
	close(stopping)
	if e := next(); e != (received{}) {
		t.Errorf("after the stop: %q", e)
	}
}
