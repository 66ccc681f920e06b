package messenger

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A look is a test case of Verify: the provider's responses, by path.
type look struct {
	answers map[string]string // by path; others are a 404
	status  map[string]int
	header  map[string]string
	want    Outcome // without Excerpt
	says    string  // part of the excerpt
}

// looks verifies the outcomes of Verify for an address.
func looks(t *testing.T, s sample, credential, destination string, rows map[string]look) {
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
			v := s.verifier(t, base)
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
