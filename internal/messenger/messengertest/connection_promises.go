package messengertest

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

func connectionRefused(t *testing.T, s Sample) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	_ = listener.Close()
	m := s.New(Endpoint(base, NewClient(t)))
	o := Send(t.Context(), t, m, s.Message)
	if o.Kind != messenger.Retry || o.Code != "connection_refused" || o.Status != 0 || !strings.Contains(o.Excerpt, "connection refused") {
		t.Errorf("%+v", o)
	}
}

func closedBeforeReading(t *testing.T, s Sample) {
	base := rawProvider(t, func(net.Conn) {})
	m := s.New(Endpoint(base, NewClient(t)))
	// The order is random, and both results are correct.
	if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Retry && o.Kind != messenger.Unknown || o.Status != 0 {
		t.Errorf("%+v", o)
	}
}

func closedAfterReading(t *testing.T, s Sample) {
	for name, base := range map[string]string{
		"closed": Provider(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}),
		"no HTTP": rawProvider(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "SSH-2.0-nonsense\r\n\r\n")
		}),
		"endless header": rawProvider(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			for err := error(nil); err == nil; {
				_, err = io.WriteString(c, strings.Repeat("x", 4096))
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			m := s.New(Endpoint(base, NewClient(t)))
			if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Unknown || o.Code != "connection_lost" || o.Status != 0 {
				t.Errorf("%+v", o)
			}
		})
	}
}

func idleConnectionClosed(t *testing.T, s Sample) {
	var calls atomic.Int32
	var answer string
	var status int
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) > 1 { // on a reused connection net/http would retry an idempotent request
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
	m := s.New(Endpoint(base, NewClient(t)))
	calls.Store(0)
	answer, status = s.Sent, s.ok()
	if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Sent {
		t.Fatalf("%+v", o)
	}
	if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Unknown || calls.Load() != 2 {
		t.Errorf("%d calls for two messages: %+v", calls.Load(), o)
	}
}

func untrustedTLS(t *testing.T, s Sample) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // hides the expected handshake error
	server.StartTLS()
	t.Cleanup(server.Close)
	plain := Provider(t, func(http.ResponseWriter, *http.Request) {})
	for name, base := range map[string]string{"unknown authority": server.URL, "no TLS": strings.Replace(plain, "http:", "https:", 1)} {
		t.Run(name, func(t *testing.T) {
			m := s.New(Endpoint(base, NewClient(t)))
			if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Retry || o.Code != "tls_error" {
				t.Errorf("%+v", o)
			}
		})
	}
}
