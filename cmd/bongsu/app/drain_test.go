package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/edge"
)

// TestDraining checks that a process that is stopped says that it is not ready and goes on
// answering requests, until a second signal, and then ends.
func TestDraining(t *testing.T) {
	drain := time.Hour
	signal, cancelSignal := context.WithCancel(t.Context())
	draining := make(chan struct{})
	a, err := New(t.Context(), Config{
		Data: t.TempDir(), Edge: edge.Config{Addr: "127.0.0.1:0"}, Drain: &drain, Log: slog.New(slog.DiscardHandler),
		NextSignal: func(ctx context.Context) (context.Context, context.CancelFunc) {
			close(draining)
			ctx, cancel := context.WithCancel(ctx)
			stop := context.AfterFunc(signal, cancel)
			return ctx, func() { stop(); cancel() }
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(running) }()
	url := "http://" + a.Addr(Edge)
	request := func(path, body string, status int, want string) {
		t.Helper()
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || res.StatusCode != status || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s, %v; want %d %s", path, res.StatusCode, text, err, status, want)
		}
	}
	health := "/grpc.health.v1.Health/Check"
	request("/readyz", "", 200, "ready")
	request(health, "{}", 200, "_SERVING")

	stop()
	<-draining
	request("/readyz", "", 503, "stopping")
	request(health, "{}", 200, "NOT_SERVING")
	request("/healthz", "", 200, "ok")
	request("/v1/groups", "", 200, "[]")
	select {
	case err := <-ended:
		t.Fatalf("the process ended while it drained: %v", err)
	default:
	}

	cancelSignal()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(url + "/healthz"); err == nil { //nolint:noctx,bodyclose // no response
		t.Error("the port is still open")
	}
}

// TestDrainingWithoutOthers checks the default: only a process that others can replace drains.
func TestDrainingWithoutOthers(t *testing.T) {
	none := time.Duration(0)
	for _, c := range []struct {
		config Config
		want   time.Duration
	}{
		{Config{}, 0},
		{Config{NATSURL: "nats://h"}, 5 * time.Second},
		{Config{NATSURL: "nats://h", Drain: &none}, 0},
	} {
		if got := c.config.drain(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.config, got, c.want)
		}
	}
}
