package messenger

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func sentOnlyWhenConfirmed(t *testing.T, s sample) {
	var status int
	var body string
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	m := s.make(endpoint(base, newClient(t)))
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
}

func statusWithoutDetails(t *testing.T, s sample) {
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<h1>no</h1>"+echo(r))
	})
	m := s.make(endpoint(base, newClient(t)))
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
}

func redirectNotFollowed(t *testing.T, s sample) {
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
	m := s.make(endpoint(base, client))
	for _, status = range []int{301, 302, 303, 307, 308} {
		if o := send(t.Context(), t, m, s.message); o.Kind != Failed || o.Code != "redirect" || o.Status != status {
			t.Errorf("%d: %+v", status, o)
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func responseInterrupted(t *testing.T, s sample) {
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
			m := s.make(endpoint(base, newClient(t)))
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
	}
}

// responseComplete verifies that a complete object counts as the response, although the
// connection was interrupted after it.
func responseComplete(t *testing.T, s sample) {
	var status int
	var body string
	base := rawProvider(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Length: 1000\r\n\r\n%s", status, body)
	})
	m := s.make(endpoint(base, newClient(t)))
	if !strings.HasPrefix(s.sent, "{") {
		t.Skip("it does not answer with an object")
	}
	status, body = s.ok(), s.sent
	if o := send(t.Context(), t, m, s.message); o.Kind != Sent || o.MessageID != s.messageID {
		t.Errorf("%+v", o)
	}
}

func endlessResponse(t *testing.T, s sample) {
	for name, piece := range map[string]string{"words": strings.Repeat("words ", 1000), "spaces": strings.Repeat(" ", 6000)} {
		t.Run(name, func(t *testing.T) {
			left := make(chan struct{}, 1)
			var start string
			base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
				for more := write(w, start); more; more = write(w, piece) {
				}
				left <- struct{}{}
			})
			m := s.make(endpoint(base, newClient(t)))
			start = s.refused[:len(s.refused)/3]
			if o := send(t.Context(), t, m, s.message); o.Kind == Sent && s.refused != "" {
				t.Errorf("%+v", o)
			}
			<-left // the provider noticed the closed connection
		})
	}
}

func concurrentCalls(t *testing.T, s sample) {
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
	m := s.make(endpoint(base, newClient(t)))
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
}
