package messenger

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// later is the Retry-After of retryLater.
const later = 7 * time.Second

var retryLater = map[string]string{"Retry-After": "7"}

// An answered is a test case: a response of a provider and its outcome.
type answered = struct {
	status int
	header map[string]string
	body   string
	want   Outcome // without Status, and without Excerpt if that is the body
}

// meanings verifies the outcomes of a messenger for responses.
func meanings(t *testing.T, s sample, rows []answered) {
	t.Helper()
	var now answered
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range now.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(now.status)
		_, _ = io.WriteString(w, now.body)
	})
	m := s.at(t, base)
	for _, now = range rows {
		t.Run(fmt.Sprintf("%d %.60s", now.status, now.body), func(t *testing.T) {
			o := send(t.Context(), t, m, s.message)
			want := now.want
			want.Status = now.status
			if want.Excerpt == "" {
				want.Excerpt = oneLine(now.body)
			}
			if o != want {
				t.Errorf("answered %d %v %s\ngot  %+v\nwant %+v", now.status, now.header, now.body, o, want)
			}
		})
	}
}

// checks verifies which values a setting accepts. Its errors must not quote rejected
// values.
func checks(t *testing.T, s Setting, values map[string]bool) {
	t.Helper()
	for value, good := range values {
		err := s.Validate(value, false)
		if (err == nil) != good {
			t.Errorf("%s %q: %v", s.Label, value, err)
		}
		if err != nil && len(value) > 3 && strings.Contains(err.Error(), value) {
			t.Errorf("%s: the error quotes the value: %v", s.Label, err)
		}
	}
}
