package messengertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Later is the wait that RetryLater requests.
const Later = 7 * time.Second

// RetryLater is a header with a Retry-After.
var RetryLater = map[string]string{"Retry-After": "7"}

// A Response is a test case: a response of a provider and its outcome. It is an alias of
// a struct type, so that rows of a table need no field names.
type Response = struct {
	Status int
	Header map[string]string
	Body   string
	Want   messenger.Outcome // without Status, and without Excerpt if that is the body
}

// CheckOutcomes verifies the outcomes of a messenger for responses.
func CheckOutcomes(t *testing.T, s Sample, rows []Response) {
	t.Helper()
	var now Response
	base := Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range now.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(now.Status)
		_, _ = io.WriteString(w, now.Body)
	})
	m := s.At(t, base)
	for _, now = range rows {
		t.Run(fmt.Sprintf("%d %.60s", now.Status, now.Body), func(t *testing.T) {
			o := Send(t.Context(), t, m, s.Message)
			want := now.Want
			want.Status = now.Status
			if want.Excerpt == "" {
				want.Excerpt = call.OneLine(now.Body)
			}
			if o != want {
				t.Errorf("response %d %v %s\ngot  %+v\nwant %+v", now.Status, now.Header, now.Body, o, want)
			}
		})
	}
}

// CheckSetting verifies which values a setting accepts. Its errors must not quote rejected
// values.
func CheckSetting(t *testing.T, s messenger.Setting, values map[string]bool) {
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
