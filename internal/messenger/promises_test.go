package messenger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The promises of the interface Messenger, verified for all messengers.

func TestSentOnlyWhereTheProviderSaidSo(t *testing.T) {
	var status int
	var body string
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		status, body = s.ok(), s.sent
		if o := send(t.Context(), t, m, s.message); o.Kind != Sent || o.Status != s.ok() || o.MessageID != s.messageID || o.Excerpt != cmp.Or(s.evidence, s.sent) {
			t.Errorf("success: %+v", o)
		}
		type row struct {
			status int
			body   string
		}
		rows := []row{{301, s.sent}, {400, s.sent}, {404, s.sent}, {429, s.sent}, {500, s.sent}, {503, s.sent}}
		if s.refused != "" {
			rows = append(rows, row{s.ok(), s.refused}, row{s.ok(), ""}, row{s.ok(), "<html>ok</html>"},
				row{204, ""}, row{s.ok(), s.sent[:len(s.sent)/2]}, row{s.ok(), s.sent + "x"})
		}
		for _, c := range rows {
			status, body = c.status, c.body
			if o := send(t.Context(), t, m, s.message); o.Kind == Sent || o.Status != c.status {
				t.Errorf("%d %q: %+v", c.status, c.body, o)
			}
		}
	})
}

func TestStatusesWithoutAWord(t *testing.T) {
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<h1>no</h1>"+echo(r))
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		for want, statuses := range map[OutcomeKind][]int{
			Paused: {429},
			Retry:  {408, 425, 500, 502, 503, 504, 599},
			Failed: {302, 304, 400, 401, 403, 404, 405, 410, 413, 415, 422},
		} {
			for _, status = range statuses {
				want := s.by(status, want)
				o := send(t.Context(), t, m, s.message)
				if o.Kind != want || o.Status != status {
					t.Errorf("%d: %+v, want %s", status, o, want)
				}
				if c, ok := s.means[status]; ok && o.Scope != c.scope {
					t.Errorf("%d: scope %v, want %v", status, o.Scope, c.scope)
				}
				if want != Failed && o.RetryAfter != time.Hour {
					t.Errorf("%d: After %v, want one hour", status, o.RetryAfter)
				}
				if code := fmt.Sprintf("http_%d", status); o.Code != code && o.Code != "redirect" {
					t.Errorf("%d: code %q, want %q", status, o.Code, code)
				}
				if _, ok := s.means[status]; !ok && (status == 401 || status == 403) {
					if o.Scope != CredentialScope {
						t.Errorf("%d: scope %v, want the credential", status, o.Scope)
					}
				}
				if status != 304 && !strings.HasPrefix(o.Excerpt, "<h1>no</h1>") {
					t.Errorf("%d: excerpt %q", status, o.Excerpt)
				}
			}
		}
	})
}

func TestNoSecretComesOut(t *testing.T) {
	for name, answer := range map[string]func(r *http.Request) string{
		"as text":            echo,
		"as Slack's error":   func(r *http.Request) string { return fmt.Sprintf(`{"ok":false,"error":%q}`, echo(r)) },
		"as Slack's id":      func(r *http.Request) string { return fmt.Sprintf(`{"ok":true,"ts":%q}`, echo(r)) },
		"across the cut":     func(r *http.Request) string { return strings.Repeat("x", MaxExcerpt-8) + echo(r) },
		"with control bytes": func(r *http.Request) string { return "\x00\x1b[2J\xff\r\n" + echo(r) },
	} {
		t.Run(name, func(t *testing.T) {
			base := provider(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answer(r)) })
			each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
				if o := send(t.Context(), t, m, s.message); o.Excerpt == "" {
					t.Errorf("no excerpt: %+v", o)
				}
			})
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := provider(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/trap" {
			followed.Add(1)
		}
		w.Header().Set("Location", elsewhere+"/trap")
		w.WriteHeader(status)
	})
	client := newClient(t)
	client.CheckRedirect = nil // also with a client that follows redirects
	each(t, base, client, func(t *testing.T, m Messenger, s sample) {
		for _, status = range []int{301, 302, 303, 307, 308} {
			if o := send(t.Context(), t, m, s.message); o.Kind != Failed || o.Code != "redirect" || o.Status != status {
				t.Errorf("%d: %+v", status, o)
			}
		}
		if n := followed.Load(); n != 0 {
			t.Errorf("%d redirects were followed", n)
		}
	})
}

func TestConnectionRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	_ = listener.Close()
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		o := send(t.Context(), t, m, s.message)
		if o.Kind != Retry || o.Code != "connection_refused" || o.Status != 0 || !strings.Contains(o.Excerpt, "connection refused") {
			t.Errorf("%+v", o)
		}
	})
}

func TestClosedBeforeReading(t *testing.T) {
	base := rawProvider(t, func(net.Conn) {})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		// The order is random, and both results are correct.
		if o := send(t.Context(), t, m, s.message); o.Kind != Retry && o.Kind != Unknown || o.Status != 0 {
			t.Errorf("%+v", o)
		}
	})
}

func TestClosedAfterReading(t *testing.T) {
	for name, base := range map[string]string{
		"closed": provider(t, func(_ http.ResponseWriter, r *http.Request) {
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
			each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
				if o := send(t.Context(), t, m, s.message); o.Kind != Unknown || o.Code != "connection_lost" || o.Status != 0 {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

func TestIdleConnectionClosedMakesOneCall(t *testing.T) {
	var calls atomic.Int32
	var answer string
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) > 1 { // on a reused connection net/http would retry an idempotent request
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		calls.Store(0)
		answer, status = s.sent, s.ok()
		if o := send(t.Context(), t, m, s.message); o.Kind != Sent {
			t.Fatalf("%+v", o)
		}
		if o := send(t.Context(), t, m, s.message); o.Kind != Unknown || calls.Load() != 2 {
			t.Errorf("%d calls for two messages: %+v", calls.Load(), o)
		}
	})
}

func TestAnswerBrokenOff(t *testing.T) {
	const success = 0
	for status, want := range map[int]Outcome{
		success: {Kind: Unknown, Code: "connection_lost"},
		429:     {Kind: Paused, Code: "http_429"},
		503:     {Kind: Retry, Code: "http_503"},
		404:     {Kind: Failed, Code: "http_404"},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			var head string
			base := rawProvider(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Length: 1000\r\n\r\n%s", status, head)
			})
			each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
				if want.Kind == Unknown {
					if status = s.ok(); s.refused == "" {
						t.Skip("its status alone is the provider's word, and that came whole")
					}
				}
				want := Outcome{Kind: s.by(status, want.Kind), Code: want.Code}
				head = s.sent[:max(len(s.sent)-1, 0)]
				if o := send(t.Context(), t, m, s.message); o.Kind != want.Kind || o.Code != want.Code || o.Status != status {
					t.Errorf("%+v, want %s %s", o, want.Kind, want.Code)
				}
			})
		})
	}
}

// TestAnswerWhole verifies that a complete object counts as the response, although the
// connection was interrupted after it.
func TestAnswerWhole(t *testing.T) {
	var status int
	var body string
	base := rawProvider(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Length: 1000\r\n\r\n%s", status, body)
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		if !strings.HasPrefix(s.sent, "{") {
			t.Skip("it does not answer with an object")
		}
		status, body = s.ok(), s.sent
		if o := send(t.Context(), t, m, s.message); o.Kind != Sent || o.MessageID != s.messageID {
			t.Errorf("%+v", o)
		}
	})
}

func TestTimeoutBeforeTheRequestIsWritten(t *testing.T) {
	dialing := make(chan struct{}, 1)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialing <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	each(t, "http://provider.invalid", client, func(t *testing.T, m Messenger, s sample) {
		ctx := newDeadline(t)
		go func() {
			<-dialing
			ctx.pass()
		}()
		if o := send(ctx, t, m, s.message); o.Kind != Retry || o.Code != "timeout" {
			t.Errorf("%+v", o)
		}
	})
}

func TestTimeoutAfterTheRequestWasWritten(t *testing.T) {
	read := make(chan struct{}, 1) // the provider has received the request
	base := provider(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		read <- struct{}{}
		<-r.Context().Done()
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		givenUp(t, m, s, read, 0)
	})
}

func TestTimeoutWithinASlowAnswer(t *testing.T) {
	begun := make(chan struct{}, 1) // the head of the response was received
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		write(w, "{")
		<-r.Context().Done()
	})
	client := newClient(t)
	transport := client.Transport
	client.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		res, err := transport.RoundTrip(req)
		begun <- struct{}{}
		return res, err
	})
	each(t, base, client, func(t *testing.T, m Messenger, s sample) {
		if status = s.ok(); s.refused == "" {
			t.Skip("its status alone is the provider's word, and that came whole")
		}
		givenUp(t, m, s, begun, status)
	})
}

// givenUp ends the context of a call, by its deadline and by cancellation, when ready is
// signaled.
func givenUp(t *testing.T, m Messenger, s sample, ready <-chan struct{}, status int) {
	t.Helper()
	late := newDeadline(t)
	go func() {
		<-ready
		late.pass()
	}()
	if o := send(late, t, m, s.message); o.Kind != Unknown || o.Code != "timeout" || o.Status != status {
		t.Errorf("deadline: %+v", o)
	}

	stopping, stop := context.WithCancelCause(t.Context())
	go func() {
		<-ready
		stop(errors.New("the process ends"))
	}()
	if o := send(stopping, t, m, s.message); o.Kind != Unknown || o.Code != "canceled" || o.Status != status {
		t.Errorf("canceled: %+v", o)
	}
}

func TestTLSThatCannotBeTrusted(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // hides the expected handshake error
	server.StartTLS()
	t.Cleanup(server.Close)
	plain := provider(t, func(http.ResponseWriter, *http.Request) {})
	for name, base := range map[string]string{"unknown authority": server.URL, "no TLS": strings.Replace(plain, "http:", "https:", 1)} {
		t.Run(name, func(t *testing.T) {
			each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
				if o := send(t.Context(), t, m, s.message); o.Kind != Retry || o.Code != "tls_error" {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

func TestEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	for name, piece := range map[string]string{"words": strings.Repeat("words ", 1000), "spaces": strings.Repeat(" ", 6000)} {
		t.Run(name, func(t *testing.T) {
			left := make(chan struct{}, 1)
			var start string
			base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
				for more := write(w, start); more; more = write(w, piece) {
				}
				left <- struct{}{}
			})
			each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
				start = s.refused[:len(s.refused)/3]
				if o := send(t.Context(), t, m, s.message); o.Kind == Sent && s.refused != "" {
					t.Errorf("%+v", o)
				}
				<-left // the provider noticed the closed connection
			})
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	var answer string
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "node1") {
			w.WriteHeader(status)
		} else {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, answer)
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		answer, status = s.sent, s.ok()
		var g sync.WaitGroup
		for range 32 {
			g.Go(func() {
				for range 10 {
					if o := send(t.Context(), t, m, s.message); o.Kind != Sent {
						t.Errorf("%+v", o)
					}
				}
			})
		}
		g.Wait()
	})
}
