package messengertest

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

	"github.com/bongsu-project/bongsu/internal/messenger"
)

func sentOnlyWhenConfirmed(t *testing.T, s Sample) {
	var status int
	var body string
	base := Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	m := s.New(Endpoint(base, NewClient(t)))
	status, body = s.ok(), s.Sent
	if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Sent || o.Status != s.ok() || o.MessageID != s.MessageID || o.Excerpt != cmp.Or(s.Evidence, s.Sent) {
		t.Errorf("success: %+v", o)
	}
	type row struct {
		status int
		body   string
	}
	rows := []row{{301, s.Sent}, {400, s.Sent}, {404, s.Sent}, {429, s.Sent}, {500, s.Sent}, {503, s.Sent}}
	if s.Refused != "" {
		rows = append(rows, row{s.ok(), s.Refused}, row{s.ok(), ""}, row{s.ok(), "<html>ok</html>"},
			row{204, ""}, row{s.ok(), s.Sent[:len(s.Sent)/2]}, row{s.ok(), s.Sent + "x"})
	}
	for _, c := range rows {
		status, body = c.status, c.body
		if o := Send(t.Context(), t, m, s.Message); o.Kind == messenger.Sent || o.Status != c.status {
			t.Errorf("%d %q: %+v", c.status, c.body, o)
		}
	}
}

func statusWithoutDetails(t *testing.T, s Sample) {
	var status int
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<h1>no</h1>"+Echo(r))
	})
	m := s.New(Endpoint(base, NewClient(t)))
	for want, statuses := range map[messenger.OutcomeKind][]int{
		messenger.Paused: {429},
		messenger.Retry:  {408, 425, 500, 502, 503, 504, 599},
		messenger.Failed: {302, 304, 400, 401, 403, 404, 405, 410, 413, 415, 422},
	} {
		for _, status = range statuses {
			want := s.by(status, want)
			o := Send(t.Context(), t, m, s.Message)
			if o.Kind != want || o.Status != status {
				t.Errorf("%d: %+v, want %s", status, o, want)
			}
			if c, ok := s.Means[status]; ok && o.Scope != c.Scope {
				t.Errorf("%d: scope %v, want %v", status, o.Scope, c.Scope)
			}
			if want != messenger.Failed && o.RetryAfter != time.Hour {
				t.Errorf("%d: After %v, want one hour", status, o.RetryAfter)
			}
			if code := fmt.Sprintf("http_%d", status); o.Code != code && o.Code != "redirect" {
				t.Errorf("%d: code %q, want %q", status, o.Code, code)
			}
			if _, ok := s.Means[status]; !ok && (status == 401 || status == 403) {
				if o.Scope != messenger.CredentialScope {
					t.Errorf("%d: scope %v, want the credential", status, o.Scope)
				}
			}
			if status != 304 && !strings.HasPrefix(o.Excerpt, "<h1>no</h1>") {
				t.Errorf("%d: excerpt %q", status, o.Excerpt)
			}
		}
	}
}

func redirectNotFollowed(t *testing.T, s Sample) {
	var followed atomic.Int32
	elsewhere := Provider(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	var status int
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/trap" {
			followed.Add(1)
		}
		w.Header().Set("Location", elsewhere+"/trap")
		w.WriteHeader(status)
	})
	client := NewClient(t)
	client.CheckRedirect = nil // also with a client that follows redirects
	m := s.New(Endpoint(base, client))
	for _, status = range []int{301, 302, 303, 307, 308} {
		if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Failed || o.Code != "redirect" || o.Status != status {
			t.Errorf("%d: %+v", status, o)
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func responseInterrupted(t *testing.T, s Sample) {
	const success = 0
	for status, want := range map[int]messenger.Outcome{
		success: {Kind: messenger.Unknown, Code: "connection_lost"},
		429:     {Kind: messenger.Paused, Code: "http_429"},
		503:     {Kind: messenger.Retry, Code: "http_503"},
		404:     {Kind: messenger.Failed, Code: "http_404"},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			var head string
			base := rawProvider(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Length: 1000\r\n\r\n%s", status, head)
			})
			m := s.New(Endpoint(base, NewClient(t)))
			if want.Kind == messenger.Unknown {
				if status = s.ok(); s.Refused == "" {
					t.Skip("its status alone is the provider's word, and that came whole")
				}
			}
			want := messenger.Outcome{Kind: s.by(status, want.Kind), Code: want.Code}
			head = s.Sent[:max(len(s.Sent)-1, 0)]
			if o := Send(t.Context(), t, m, s.Message); o.Kind != want.Kind || o.Code != want.Code || o.Status != status {
				t.Errorf("%+v, want %s %s", o, want.Kind, want.Code)
			}
		})
	}
}

// responseComplete verifies that a complete object counts as the response, although the
// connection was interrupted after it.
func responseComplete(t *testing.T, s Sample) {
	var status int
	var body string
	base := rawProvider(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Length: 1000\r\n\r\n%s", status, body)
	})
	m := s.New(Endpoint(base, NewClient(t)))
	if !strings.HasPrefix(s.Sent, "{") {
		t.Skip("the response is not an object")
	}
	status, body = s.ok(), s.Sent
	if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Sent || o.MessageID != s.MessageID {
		t.Errorf("%+v", o)
	}
}

func endlessResponse(t *testing.T, s Sample) {
	for name, piece := range map[string]string{"words": strings.Repeat("words ", 1000), "spaces": strings.Repeat(" ", 6000)} {
		t.Run(name, func(t *testing.T) {
			left := make(chan struct{}, 1)
			var start string
			base := Provider(t, func(w http.ResponseWriter, _ *http.Request) {
				for more := write(w, start); more; more = write(w, piece) {
				}
				left <- struct{}{}
			})
			m := s.New(Endpoint(base, NewClient(t)))
			start = s.Refused[:len(s.Refused)/3]
			if o := Send(t.Context(), t, m, s.Message); o.Kind == messenger.Sent && s.Refused != "" {
				t.Errorf("%+v", o)
			}
			<-left // the provider noticed the closed connection
		})
	}
}

func concurrentCalls(t *testing.T, s Sample) {
	var answer string
	var status int
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "node1") {
			w.WriteHeader(status)
		} else {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, answer)
	})
	m := s.New(Endpoint(base, NewClient(t)))
	answer, status = s.Sent, s.ok()
	var g sync.WaitGroup
	for range 32 {
		g.Go(func() {
			for range 10 {
				if o := Send(t.Context(), t, m, s.Message); o.Kind != messenger.Sent {
					t.Errorf("%+v", o)
				}
			}
		})
	}
	g.Wait()
}
