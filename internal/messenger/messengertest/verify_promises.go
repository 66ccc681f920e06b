package messengertest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// verifyClassifiesAsSend verifies that Verify classifies responses as Send
// does, and reveals no secret.
func verifyClassifiesAsSend(t *testing.T, s Sample) {
	var status int
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<h1>no</h1>"+Echo(r))
	})
	v := s.verifier(t, base)
	for want, statuses := range map[messenger.OutcomeKind][]int{
		messenger.Unknown: {200, 201}, messenger.Paused: {429}, messenger.Retry: {408, 500, 503}, messenger.Failed: {302, 400, 401, 403, 404},
	} {
		for _, status = range statuses {
			o := v.Verify(t.Context(), s.Message.Credential, s.Message.Destination)
			CheckOutcome(t, o, s.Message.Credential)
			if o.Kind != s.by(status, want) || o.Status != status || o.Excerpt == "" {
				t.Errorf("%d: %+v, want %s", status, o, want)
			}
			if want == messenger.Paused && o.RetryAfter != time.Hour {
				t.Errorf("waits %v", o.RetryAfter)
			}
		}
	}
	v = s.verifier(t, "http://127.0.0.1:1")
	o := v.Verify(t.Context(), s.Message.Credential, s.Message.Destination)
	CheckOutcome(t, o, s.Message.Credential)
	if o.Kind != messenger.Retry {
		t.Errorf("connection refused: %+v", o)
	}
}

// verifyNotifiesNobody verifies that Verify makes none of the calls that send.
func verifyNotifiesNobody(t *testing.T, s Sample) {
	var called []string
	base := Provider(t, func(_ http.ResponseWriter, r *http.Request) {
		called = append(called, r.Method+" "+r.URL.Path+" "+r.FormValue("Action"))
	})
	v := s.verifier(t, base)
	called = nil
	_ = v.Send(t.Context(), s.Message)
	sending := called
	called = nil
	_ = v.Verify(t.Context(), s.Message.Credential, s.Message.Destination)
	if len(sending) != 1 || len(called) == 0 || strings.Contains(strings.Join(called, " "), sending[0]) {
		t.Errorf("Send calls %q, Verify calls %q", sending, called)
	}
}
