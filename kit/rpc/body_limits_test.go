package rpc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
)

// memoryListener is an in-memory listener, so that a test controls the time.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *memoryListener { return &memoryListener{make(chan net.Conn), make(chan struct{})} }

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { close(l.closed); return nil }
func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *memoryListener) Dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	l.conns <- there
	return here, nil
}

// serveInMemory serves a handler in the synctest bubble until the test ends.
func serveInMemory(t *testing.T, maxConnections int, log *slog.Logger, handler http.Handler) *memoryListener {
	t.Helper()
	admission, err := NewAdmission(maxConnections, log)
	if err != nil {
		t.Fatal(err)
	}
	listener := newPipes()
	server := newServer(listener, handler, admission, defaultBodyLimits, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, time.Second) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	return listener
}

// whole responds with the length of the request body and the error of reading it.
var whole = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = r.Context().Err()
	}
	fmt.Fprintf(w, "%d bytes, %v", len(body), err)
})

// post sends pieces of a body, each after a pause, and returns the response and the time
// until it came. The declared length is more bytes longer than the pieces.
func post(t *testing.T, l *memoryListener, pause time.Duration, pieces []string, more int) (string, time.Duration) {
	t.Helper()
	began := time.Now()
	conn, _ := l.Dial(t.Context(), "", "")
	sent := make(chan struct{})
	defer func() { _ = conn.Close(); <-sent }()
	go func() {
		defer close(sent)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(strings.Join(pieces, ""))+more)
		for _, piece := range pieces {
			time.Sleep(pause)
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error(), time.Since(began)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return string(body), time.Since(began)
}

// TestBodiesEnd checks that the server waits for a body only while its bytes arrive.
func TestBodiesEnd(t *testing.T) {
	kilobytes := func(n int) []string {
		return strings.SplitAfter(strings.Repeat(strings.Repeat("x", 1023)+"\n", n), "\n")[:n]
	}
	for _, c := range []struct {
		name   string
		pause  time.Duration
		pieces []string
		more   int
		answer string
		after  time.Duration
	}{
		{"1 MiB declared and 3 bytes sent", 0, []string{"abc"}, 1<<20 - 3, "3 bytes, deadline_exceeded: body: timed out", 30 * time.Second},
		{"nothing sent", 0, nil, 1 << 20, "0 bytes, deadline_exceeded: body: timed out", 30 * time.Second},
		{"a slow import", 20 * time.Second, kilobytes(3), 0, "3072 bytes, <nil>", time.Minute},
		{"ten minutes at 2 kB/s", time.Second / 2, kilobytes(1200), 0, "1228800 bytes, <nil>", 10 * time.Minute},
		{"a byte every 29 seconds", 29 * time.Second, strings.Split(strings.Repeat("x", 100), ""), 0, "4 bytes, deadline_exceeded: body: timed out", 2 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := serveInMemory(t, 0, slog.New(slog.DiscardHandler), whole)
				if answer, after := post(t, listener, c.pause, c.pieces, c.more); answer != c.answer || after != c.after {
					t.Errorf("after %s: %s", after, answer)
				}
			})
		})
	}
}

// TestBodyLimitsEndWithTheBody checks that a handler may work longer than the timeouts of
// the body, and that the next request of the connection is read.
func TestBodyLimitsEndWithTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := serveInMemory(t, 0, slog.New(slog.DiscardHandler), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			time.Sleep(10 * time.Minute) // in the synctest bubble
			fmt.Fprintf(w, "%v, %v", err, r.Context().Err())
		}))
		client := &http.Client{Transport: &http.Transport{DialContext: listener.Dial}}
		defer client.CloseIdleConnections()
		for range 2 {
			res, err := client.Post("http://x/", "", strings.NewReader("abc"))
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(res.Body); string(body) != "<nil>, <nil>" {
				t.Errorf("%s", body)
			}
			_ = res.Body.Close()
		}
	})
}

// TestHandlerWithoutABodyMayTakeLong checks that the timeouts of bodies do not end a request
// that has none, or whose body has been read, by each version of HTTP.
func TestHandlerWithoutABodyMayTakeLong(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, body := range []string{"", "abc"} {
			t.Run(fmt.Sprintf("HTTP/2 %t body %q", http2, body), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					listener := serveInMemory(t, 0, slog.New(slog.DiscardHandler), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_, err := io.ReadAll(r.Body)
						time.Sleep(10 * time.Minute) // in the synctest bubble
						fmt.Fprintf(w, "%v, %v", err, r.Context().Err())
					}))
					protocols := new(http.Protocols)
					protocols.SetUnencryptedHTTP2(http2)
					protocols.SetHTTP1(!http2)
					transport := &http.Transport{DialContext: listener.Dial, Protocols: protocols}
					defer transport.CloseIdleConnections()
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/", strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					res, err := (&http.Client{Transport: transport}).Do(req)
					if err != nil {
						t.Fatal(err)
					}
					defer res.Body.Close()
					if got, _ := io.ReadAll(res.Body); string(got) != "<nil>, <nil>" {
						t.Errorf("%s", got)
					}
				})
			})
		}
	}
}

// TestUnreadBodyEndsWithItsRequest checks that the server does not wait for a body that the
// handler has refused.
func TestUnreadBodyEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := serveInMemory(t, 0, slog.New(slog.DiscardHandler), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnsupportedMediaType)
		}))
		began := time.Now()
		conn, _ := listener.Dial(t.Context(), "", "")
		go func() { _, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc") }()
		if _, err := io.ReadAll(conn); err != nil {
			t.Error(err)
		}
		if after := time.Since(began); after > 10*time.Second {
			t.Errorf("the connection was held for %s", after)
		}
	})
}

// TestStreamsOfHTTP2End checks that the limits apply to one stream, and not to the other
// streams of the connection.
func TestStreamsOfHTTP2End(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := serveInMemory(t, 0, slog.New(slog.DiscardHandler), whole)
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		transport := &http.Transport{DialContext: listener.Dial, Protocols: protocols}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		request := func(body io.Reader) (string, time.Duration) {
			began := time.Now()
			res, err := client.Post("http://x/", "application/grpc", body)
			if err != nil {
				t.Error(err)
				return "", 0
			}
			defer res.Body.Close()
			answer, _ := io.ReadAll(res.Body)
			return string(answer), time.Since(began)
		}
		unfinished, write := io.Pipe()
		go func() { _, _ = write.Write([]byte("abc")) }()
		type result struct {
			answer string
			after  time.Duration
		}
		first := make(chan result, 1)
		go func() { a, d := request(unfinished); first <- result{a, d} }()
		synctest.Wait()
		if answer, _ := request(strings.NewReader("abcd")); answer != "4 bytes, <nil>" {
			t.Errorf("beside it: %s", answer)
		}
		if r := <-first; r.answer != "3 bytes, deadline_exceeded: body: timed out" || r.after != 30*time.Second {
			t.Errorf("after %s: %s", r.after, r.answer)
		}
		_ = write.Close()
	})
}

// TestLargeBodiesHaveABudget checks that too many large bodies are refused, and small ones
// never.
func TestLargeBodiesHaveABudget(t *testing.T) {
	budget := newByteBudget(1 << 20)
	read := func(n int) error {
		body := &requestBody{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", n))), limits: &defaultBodyLimits, budget: budget,
			writer: httptest.NewRecorder(), started: time.Now()}
		t.Cleanup(body.finish)
		_, err := io.ReadAll(body)
		return err
	}
	if err := read(1 << 20); err != nil {
		t.Error(err)
	}
	if err := read(1 << 20); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("a second large one: %v", err)
	}
	for range 100 {
		if err := read(smallBodyBytes); err != nil {
			t.Errorf("a small one: %v", err)
		}
	}
}
