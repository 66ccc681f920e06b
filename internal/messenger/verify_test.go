package messenger

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// verifiers runs promise over all messengers that are Verifiers.
func verifiers(t *testing.T, base string, promise func(t *testing.T, v Verifier, s sample)) {
	t.Helper()
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		if v, ok := m.(Verifier); ok {
			promise(t, v, s)
		}
	})
}

// TestVerifyKeepsThePromisesOfSend verifies that Verify classifies responses as Send
// does, and reveals no secret.
func TestVerifyKeepsThePromisesOfSend(t *testing.T) {
	var status int
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<h1>no</h1>"+echo(r))
	})
	verifiers(t, base, func(t *testing.T, v Verifier, s sample) {
		for want, statuses := range map[OutcomeKind][]int{
			Unknown: {200, 201}, Paused: {429}, Retry: {408, 500, 503}, Failed: {302, 400, 401, 403, 404},
		} {
			for _, status = range statuses {
				o := v.Verify(t.Context(), s.message.Credential, s.message.Destination)
				sound(t, o, s.message.Credential)
				if o.Kind != s.by(status, want) || o.Status != status || o.Excerpt == "" {
					t.Errorf("%d: %+v, want %s", status, o, want)
				}
				if want == Paused && o.RetryAfter != time.Hour {
					t.Errorf("waits %v", o.RetryAfter)
				}
			}
		}
	})
	verifiers(t, "http://127.0.0.1:1", func(t *testing.T, v Verifier, s sample) {
		o := v.Verify(t.Context(), s.message.Credential, s.message.Destination)
		sound(t, o, s.message.Credential)
		if o.Kind != Retry {
			t.Errorf("connection refused: %+v", o)
		}
	})
}

// TestVerifyTellsNobody verifies that Verify makes none of the calls that send.
func TestVerifyTellsNobody(t *testing.T) {
	var called []string
	base := provider(t, func(_ http.ResponseWriter, r *http.Request) {
		called = append(called, r.Method+" "+r.URL.Path+" "+r.FormValue("Action"))
	})
	verifiers(t, base, func(t *testing.T, v Verifier, s sample) {
		called = nil
		_ = v.Send(t.Context(), s.message)
		sending := called
		called = nil
		_ = v.Verify(t.Context(), s.message.Credential, s.message.Destination)
		if len(sending) != 1 || len(called) == 0 || strings.Contains(strings.Join(called, " "), sending[0]) {
			t.Errorf("Send calls %q, Verify calls %q", sending, called)
		}
	})
}

// A look is a test case of Verify: the provider's responses, by path.
type look struct {
	answers map[string]string // by path; others are a 404
	status  map[string]int
	header  map[string]string
	want    Outcome // without Excerpt
	says    string  // part of the excerpt
}

// looks verifies the outcomes of Verify for an address.
func looks(t *testing.T, name, credential, destination string, rows map[string]look) {
	t.Helper()
	for what, row := range rows {
		t.Run(what, func(t *testing.T) {
			base := provider(t, func(w http.ResponseWriter, r *http.Request) {
				for name, value := range row.header {
					w.Header().Set(name, value)
				}
				answer, ok := row.answers[r.Method+" "+r.URL.Path]
				if !ok {
					t.Errorf("asked %s %s", r.Method, r.URL.Path)
				}
				w.WriteHeader(cmp.Or(row.status[r.Method+" "+r.URL.Path], http.StatusOK))
				_, _ = io.WriteString(w, answer)
			})
			v, ok := find(t, name, base).(Verifier)
			if !ok {
				t.Fatal("not a Verifier")
			}
			o := v.Verify(t.Context(), credential, destination)
			sound(t, o, credential)
			if !strings.Contains(o.Excerpt, row.says) {
				t.Errorf("excerpt %q", o.Excerpt)
			}
			o.Excerpt, o.Status = "", 0
			if o != row.want {
				t.Errorf("%+v, want %+v", o, row.want)
			}
		})
	}
}
