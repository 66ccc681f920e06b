package messengertest

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A Verification is a test case of Verify: the provider's responses, by path.
type Verification struct {
	Responses map[string]string // by path; others are a 404
	Status    map[string]int
	Header    map[string]string
	Want      messenger.Outcome // without Excerpt
	Excerpt   string            // part of the excerpt
}

// CheckVerify verifies the outcomes of Verify for an address.
func CheckVerify(t *testing.T, s Sample, credential, destination string, rows map[string]Verification) {
	t.Helper()
	for what, row := range rows {
		t.Run(what, func(t *testing.T) {
			base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
				for name, value := range row.Header {
					w.Header().Set(name, value)
				}
				answer, ok := row.Responses[r.Method+" "+r.URL.Path]
				if !ok {
					t.Errorf("asked %s %s", r.Method, r.URL.Path)
				}
				w.WriteHeader(cmp.Or(row.Status[r.Method+" "+r.URL.Path], http.StatusOK))
				_, _ = io.WriteString(w, answer)
			})
			v := s.verifier(t, base)
			o := v.Verify(t.Context(), credential, destination)
			CheckOutcome(t, o, credential)
			if !strings.Contains(o.Excerpt, row.Excerpt) {
				t.Errorf("excerpt %q", o.Excerpt)
			}
			o.Excerpt, o.Status = "", 0
			if o != row.Want {
				t.Errorf("%+v, want %+v", o, row.Want)
			}
		})
	}
}
