package balance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestIsRetried(t *testing.T) {
	for _, c := range []struct {
		outcome          Outcome
		lost, replayable bool // retried, by the body
		repeatable       bool // retried if it may also be executed twice
		isFailure        bool
	}{
		{outcome: Responded},
		{outcome: Canceled},
		{outcome: LocalFailure},
		{outcome: NotSent, replayable: true, repeatable: true, isFailure: true},
		{outcome: Broken, repeatable: true, isFailure: true},
		{outcome: Unavailable, repeatable: true, isFailure: true},
		{outcome: TimedOut, isFailure: true},
	} {
		if c.outcome.isRetried(true, false) != c.lost || c.outcome.isRetried(false, false) != c.lost ||
			c.outcome.isRetried(false, true) != c.replayable || c.outcome.isRetried(true, true) != c.repeatable {
			t.Errorf("%s is retried: %t, %t, %t", c.outcome, c.outcome.isRetried(true, false), c.outcome.isRetried(false, true), c.outcome.isRetried(true, true))
		}
		if c.outcome.isFailure() != c.isFailure {
			t.Errorf("%s counts as failure: %t", c.outcome, !c.isFailure)
		}
	}
}

// unsized hides the type of a reader, so that a request has no GetBody and no length.
type unsized struct{ io.Reader }

// TestRetries sends requests to an instance that fails, and counts the executions there and at
// the other one.
func TestRetries(t *testing.T) {
	// cut ends the connection of a request that the instance has read.
	cut := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "no", code)
		}
	}
	long := strings.Repeat("x", maxKeptBytes+1)
	bodies := map[string]func() io.Reader{
		"none":          func() io.Reader { return nil },
		"with GetBody":  func() io.Reader { return strings.NewReader(long) },
		"a stream":      func() io.Reader { return unsized{strings.NewReader(long[1:])} },
		"a long stream": func() io.Reader { return unsized{strings.NewReader(long)} },
	}
	failures := map[string]struct {
		handler     http.HandlerFunc // nil: connections are refused
		write, read bool             // retried, by method
		longToo     bool             // also if the body is a long stream
		status      int              // without a retry; 0 for an error
	}{
		"refused":      {nil, true, true, true, 0},
		"cut":          {cut, false, true, false, 0},
		"status 502":   {status(502), false, true, false, 502},
		"status 503":   {status(503), false, true, false, 503},
		"status 504":   {status(504), false, false, false, 504},
		"status 500":   {status(500), false, false, false, 500},
		"status 429":   {status(429), false, false, false, 429},
		"gRPC code 14": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Grpc-Status", "14") }, false, true, true, 200},
		"gRPC code 5":  {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Grpc-Status", "5") }, false, false, false, 200},
	}
	for protocol, transport := range protocols {
		for failure, want := range failures {
			for body, open := range bodies {
				if strings.HasPrefix(failure, "gRPC") && body != "none" {
					continue // these instances do not read a body
				}
				for _, method := range []string{"read", "write", "write with a key", "write in a context"} {
					t.Run(fmt.Sprintf("%s/%s/%s/body %s", protocol, failure, method, body), func(t *testing.T) {
						var first, second atomic.Int64
						var url string
						if want.handler == nil {
							url = closedURL(t)
						} else {
							url = newServer(t, func(w http.ResponseWriter, r *http.Request) {
								if r.URL.Path != "/readyz" {
									first.Add(1)
								}
								want.handler(w, r)
							}).URL
						}
						good := newServer(t, func(w http.ResponseWriter, r *http.Request) {
							second.Add(1)
							text, err := io.ReadAll(r.Body)
							sent := open()
							if sent == nil {
								sent = strings.NewReader("")
							}
							if all, _ := io.ReadAll(sent); err != nil || !bytes.Equal(text, all) {
								t.Errorf("the second instance gets %d of %d bytes, %v", len(text), len(all), err)
							}
							w.WriteHeader(http.StatusAccepted)
						})
						b := run(t, newMemoryRegistry(instanceOf("a", url), instanceOf("b", good.URL)), transport(), nil)
						b.mu.Lock()
						b.turns[service].Store(1<<32 - 1) // the next is the first instance
						b.mu.Unlock()

						ctx, procedure := t.Context(), addBook
						switch method {
						case "read":
							procedure = getBook
						case "write in a context":
							ctx = WithRepeatable(ctx)
						}
						req, err := http.NewRequestWithContext(ctx, http.MethodPost, BaseURL+procedure, open())
						if err != nil {
							t.Fatal(err)
						}
						if method == "write with a key" {
							req.Header.Set("Idempotency-Key", "1")
						}
						res, err := b.Transport().RoundTrip(req)
						got := 0
						if err == nil {
							got = res.StatusCode
							_ = res.Body.Close()
						}
						retried := want.read
						if method == "write" {
							retried = want.write
						}
						if body == "a long stream" {
							retried = retried && want.longToo
						}
						wantStatus, wantSecond := want.status, int64(0)
						if retried {
							wantStatus, wantSecond = http.StatusAccepted, 1
						}
						if got != wantStatus || second.Load() != wantSecond {
							t.Errorf("status %d, %v; want %d; the second instance got %d", got, err, wantStatus, second.Load())
						}
						if n := first.Load(); n > 1 && method == "write" || (n == 0) != (want.handler == nil) {
							t.Errorf("the first instance got %d requests", n)
						}
					})
				}
			}
		}
	}
}

// TestRetryOnce checks that a request is sent to two instances at most.
func TestRetryOnce(t *testing.T) {
	var n atomic.Int64
	registry := newMemoryRegistry()
	for _, id := range []string{"a", "b", "c"} {
		registry.set(instanceOf(id, newServer(t, func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		}).URL))
	}
	b := run(t, registry, protocols["HTTP/1.1"](), nil)
	if status, _, err := call(t.Context(), b, getBook, nil); err != nil || status != http.StatusServiceUnavailable || n.Load() != 2 {
		t.Errorf("status %d, %v, %d requests", status, err, n.Load())
	}
}

// TestNoOtherInstance checks that a request without another instance keeps its response, also
// if two ids have one URL.
func TestNoOtherInstance(t *testing.T) {
	var n atomic.Int64
	server := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		http.Error(w, "busy", http.StatusServiceUnavailable)
	})
	b := run(t, newMemoryRegistry(instanceOf("a", server.URL), instanceOf("b", server.URL)), protocols["HTTP/1.1"](), nil)
	if status, text, err := call(t.Context(), b, getBook, nil); err != nil || status != http.StatusServiceUnavailable || text != "busy\n" || n.Load() != 1 {
		t.Errorf("status %d, %q, %v, %d requests", status, text, err, n.Load())
	}
}

// TestBidirectionalStream checks that a stream whose request goes on after the response began
// is neither read ahead nor blocked.
func TestBidirectionalStream(t *testing.T) {
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.Flush()
		data := make([]byte, 4)
		for {
			n, err := r.Body.Read(data)
			_, _ = w.Write(data[:n])
			_ = control.Flush()
			if err != nil {
				return
			}
		}
	})
	for _, procedure := range []string{getBook, addBook} {
		b := run(t, newMemoryRegistry(instanceOf("a", server.URL)), protocols["HTTP/2"](), nil)
		reader, writer := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, BaseURL+procedure, reader)
		if err != nil {
			t.Fatal(err)
		}
		res, err := b.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"ping", "pong"} {
			got := make([]byte, 4)
			if _, err := io.WriteString(writer, text); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != text {
				t.Fatalf("%q, %v", got, err)
			}
		}
		_ = writer.Close()
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
			t.Errorf("the end: %q, %v", rest, err)
		}
		_ = res.Body.Close()
	}
}

// TestStreamErrorOfHTTP2 checks that the code of a reset of HTTP/2 can be read.
func TestStreamErrorOfHTTP2(t *testing.T) {
	server := newServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	transport := protocols["HTTP/2"]()
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if err == nil {
		_ = res.Body.Close()
	}
	if code, ok := streamErrorCode(err); !ok || code != 2 { // INTERNAL_ERROR
		t.Errorf("code %d, %t of %v", code, ok, err)
	}
	if got := outcomeOfError(t.Context(), streamError{Code: refusedStream}, true); got != NotSent {
		t.Errorf("a refused stream is %s", got)
	}
	if got := outcomeOfError(t.Context(), err, true); got != Broken {
		t.Errorf("a reset stream is %s", got)
	}
}

// TestCutBeforeHeader checks a connection that is closed before it has received a request.
func TestCutBeforeHeader(t *testing.T) {
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
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	var second atomic.Int64
	good := newServer(t, func(http.ResponseWriter, *http.Request) { second.Add(1) })
	b := run(t, newMemoryRegistry(instanceOf("a", "http://"+listener.Addr().String()), instanceOf("b", good.URL)), protocols["HTTP/1.1"](), nil)
	b.mu.Lock()
	b.turns[service].Store(1<<32 - 1)
	b.mu.Unlock()
	if _, _, err := call(context.Background(), b, addBook, strings.NewReader("{}")); err == nil || second.Load() != 0 {
		t.Errorf("a request that may have been executed: %v, %d at the second instance", err, second.Load())
	}
}
