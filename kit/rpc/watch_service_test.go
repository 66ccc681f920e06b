package rpc

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/proto"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
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
	options, err := NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), watchRules)
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
