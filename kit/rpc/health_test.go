package rpc

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
)

// errNotReady is the readiness of a port in tests.
var errNotReady = errors.New("not ready")

// TestWatchHealth checks that a change of readiness is seen within watchInterval, also one that
// only a caller has seen, and that checks end with the last watcher.
func TestWatchHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails atomic.Bool
		var checks atomic.Int64
		c := &healthChecker{names: []string{"library.v1.BookService"}, ready: func(context.Context) error {
			checks.Add(1)
			if fails.Load() {
				return errNotReady
			}
			return nil
		}}
		var changes atomic.Int64
		stop, err := c.Watch(t.Context(), &grpchealth.CheckRequest{Service: "library.v1.BookService"}, func() { changes.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		// wait returns the number of changes in some intervals.
		wait := func(intervals int) int64 {
			before := changes.Load()
			for range intervals {
				time.Sleep(watchInterval)
			}
			synctest.Wait()
			return changes.Load() - before
		}
		wait(3)
		if n := wait(10); n != 0 {
			t.Errorf("%d changes of a port that stays ready", n)
		}
		fails.Store(true)
		if n := wait(1); n == 0 {
			t.Error("no change when the port was not ready any more")
		}
		wait(3)
		fails.Store(false)
		if res, err := c.Check(t.Context(), &grpchealth.CheckRequest{}); err != nil || res.Status != grpchealth.StatusServing {
			t.Fatalf("%v, %v", res, err)
		}
		fails.Store(true)
		if n := wait(1); n == 0 {
			t.Error("no change after a caller had seen another state")
		}
		stop()
		synctest.Wait()
		before := checks.Load()
		if wait(10); checks.Load() != before {
			t.Error("readiness is checked for nobody")
		}
	})
}

// TestTooManyHealthWatches checks the bound of watches, and that an ended one makes room.
func TestTooManyHealthWatches(t *testing.T) {
	c := &healthChecker{ready: func(context.Context) error { return nil }}
	var stops []func()
	for range maxWatches {
		stop, err := c.Watch(t.Context(), &grpchealth.CheckRequest{}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		stops = append(stops, stop)
	}
	if _, err := c.Watch(t.Context(), &grpchealth.CheckRequest{}, func() {}); connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("one more: %v", err)
	}
	stops[0]()
	stop, err := c.Watch(t.Context(), &grpchealth.CheckRequest{}, func() {})
	if err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	for _, stop := range append(stops[1:], stop) {
		stop()
	}
}

// TestDrainingPort checks that a port that drains reports so at once, by HTTP and by gRPC, while
// it answers, and that a watch ends when the port stops.
func TestDrainingPort(t *testing.T) {
	draining, stopping := make(chan struct{}), make(chan struct{})
	handler, err := Listener{Ready: func(context.Context) error { return nil }, Draining: draining, Stopping: stopping}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	ready := func(want int) {
		t.Helper()
		res, err := server.Client().Get(server.URL + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != want {
			t.Errorf("/readyz: %d, %v; want %d", res.StatusCode, err, want)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/"+grpchealth.HealthV1ServiceName+"/Watch", strings.NewReader("\x00\x00\x00\x00\x02{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/connect+json")
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	stream := bufio.NewReader(res.Body)
	next := func(want string) {
		t.Helper()
		var head [5]byte
		if _, err := io.ReadFull(stream, head[:]); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(stream, message); err != nil || !strings.Contains(string(message), want) {
			t.Fatalf("%s, %v; want %s", message, err, want)
		}
	}
	next(`"SERVING_STATUS_SERVING"`)
	ready(http.StatusOK)
	close(draining)
	next(`"SERVING_STATUS_NOT_SERVING"`)
	ready(http.StatusServiceUnavailable)
	close(stopping)
	next(`"unavailable"`)
}

// TestSmallHealthResponse checks that a response of health is not compressed: a gzip writer takes
// 0.8 MB, and probes come for ever.
func TestSmallHealthResponse(t *testing.T) {
	handler, err := Listener{Ready: func(context.Context) error { return nil }}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/grpc.health.v1.Health/Check", strings.NewReader("{}"))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	res := httptest.NewRecorder()
	handler.ServeHTTP(res, req)
	if encoding := res.Header().Get("Content-Encoding"); res.Code != http.StatusOK || encoding != "" {
		t.Errorf("status %d, Content-Encoding %q", res.Code, encoding)
	}
}
