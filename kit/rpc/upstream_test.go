package rpc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// A failingService fails as a test configures it.
type failingService struct {
	alertv1connect.UnimplementedAlertServiceHandler
	fail func(ctx context.Context) error
}

func (f failingService) GetAlert(ctx context.Context, _ *alertv1.GetAlertRequest) (*alertv1.GetAlertResponse, error) {
	return nil, f.fail(ctx)
}

func (f failingService) WatchAlert(ctx context.Context, _ *alertv1.WatchAlertRequest, stream *connect.ServerStream[alertv1.WatchAlertResponse]) error {
	if err := stream.Send(&alertv1.WatchAlertResponse{}); err != nil {
		return err
	}
	return f.fail(ctx)
}

// serveFaulty serves cleartext HTTP/2.
func serveFaulty(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// serveTCP accepts connections and ends each by do.
func serveTCP(t *testing.T, do func(net.Conn)) (url string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go do(conn)
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestUpstreamFails calls upstreams that fail without a response: callers get unavailable
// and a text without an address, and the cause is logged once.
func TestUpstreamFails(t *testing.T) {
	handler := func(fail func(context.Context) error) http.Handler {
		_, h := alertv1connect.NewAlertServiceHandler(failingService{fail: fail})
		return h
	}
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{
		"connection reset before the request is read": serveTCP(t, func(c net.Conn) {
			_ = c.(*net.TCPConn).SetLinger(0) //nolint:forcetypeassert // it is one
			_ = c.Close()
		}),
		"connection closed without a response": serveTCP(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 10))
			_ = c.Close()
		}),
		"another protocol": serveTCP(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			_ = c.Close()
		}),
		"connection refused": "http://" + closed.Addr().String(),
		"502 of a proxy": serveFaulty(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<h1>10.0.0.7 is down</h1>", http.StatusBadGateway)
		})),
		"503 of a proxy":    serveFaulty(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })),
		"another service":   serveFaulty(t, http.NotFoundHandler()),
		"handler aborted":   serveFaulty(t, handler(func(context.Context) error { panic(http.ErrAbortHandler) })),
		"upstream stopping": serveFaulty(t, handler(func(context.Context) error { return context.Canceled })),
		"timeout": serveFaulty(t, handler(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})),
	} {
		t.Run(name, func(t *testing.T) {
			var logged logtest.Buffer
			log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
			client := NewHTTPClient()
			t.Cleanup(client.CloseIdleConnections)
			alerts := alertv1connect.NewAlertServiceClient(client, url, connect.WithGRPC(), connect.WithInterceptors(&upstreamInterceptor{name: "alert", timeout: 2 * time.Second, log: log}))
			check := func(err error) {
				t.Helper()
				outside := callerError(err)
				if outside.Code() != connect.CodeUnavailable || outside.Message() != "alert service unavailable; try again" || !errors.Is(err, fault.ErrUnavailable) || errors.Is(err, context.Canceled) {
					t.Errorf("%v leaves as %s: %s", err, outside.Code(), outside.Message())
				}
			}
			_, err := alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{})
			check(err)
			if logText := logged.String(); strings.Count(logText, "\n") != 1 || !strings.Contains(logText, `level=WARN msg="upstream unavailable" upstream=alert`) || !strings.Contains(logText, "GetAlert") {
				t.Errorf("logged %q", logText)
			}
			if name == "timeout" {
				return // a stream is long-lived
			}
			stream, err := alerts.WatchAlert(t.Context(), &alertv1.WatchAlertRequest{})
			if err == nil {
				for stream.Receive() {
				}
				err = stream.Err()
			}
			check(err)
		})
	}
}

// TestUpstreamResponds checks that the errors of an upstream, and of the caller's own
// context, pass unchanged.
func TestUpstreamResponds(t *testing.T) {
	var logged logtest.Buffer
	began := make(chan struct{}, 1)
	_, handler := alertv1connect.NewAlertServiceHandler(failingService{fail: func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			return connect.NewError(connect.CodeNotFound, errors.New("alert 7 not found"))
		}
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}})
	client := NewHTTPClient()
	t.Cleanup(client.CloseIdleConnections)
	i := &upstreamInterceptor{name: "alert", timeout: time.Minute, log: slog.New(slog.NewTextHandler(&logged, nil))}
	alerts := alertv1connect.NewAlertServiceClient(client, serveFaulty(t, handler), connect.WithGRPC(), connect.WithInterceptors(i))

	stream, err := alerts.WatchAlert(t.Context(), &alertv1.WatchAlertRequest{})
	if err != nil || !stream.Receive() || stream.Receive() {
		t.Fatalf("%v, %v", err, stream)
	}
	if outside := callerError(stream.Err()); outside.Code() != connect.CodeNotFound || outside.Message() != "alert 7 not found" {
		t.Errorf("the upstream's error becomes %v", outside)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if _, err = alerts.GetAlert(ctx, &alertv1.GetAlertRequest{}); callerError(err).Code() != connect.CodeCanceled || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a caller who left: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err = alerts.GetAlert(ctx, &alertv1.GetAlertRequest{}); callerError(err).Code() != connect.CodeDeadlineExceeded || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a caller out of time: %v", err)
	}
	if logText := logged.String(); logText != "" {
		t.Errorf("logged %q", logText)
	}
}
