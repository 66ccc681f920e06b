package messenger

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A look is what a provider answers to those of Verify, by path.
type look struct {
	answers map[string]string // by path; what is not here is a 404
	status  map[string]int
	header  map[string]string
	want    Outcome // but for Excerpt
	says    string  // what stands in the excerpt
}

// looks holds Verify of an address to what it makes of answers.
func looks(t *testing.T, name, credential, destination string, rows map[string]look) {
	t.Helper()
	for what, row := range rows {
		t.Run(what, func(t *testing.T) {
			base := provider(t, func(w http.ResponseWriter, r *http.Request) {
				for name, value := range row.header {
					w.Header().Set(name, value)
				}
				answer, is := row.answers[r.Method+" "+r.URL.Path]
				if !is {
					t.Errorf("asked %s %s", r.Method, r.URL.Path)
				}
				w.WriteHeader(cmp.Or(row.status[r.Method+" "+r.URL.Path], http.StatusOK))
				_, _ = io.WriteString(w, answer)
			})
			v, is := find(t, name, base).(Verifier)
			if !is {
				t.Fatal("it is no Verifier")
			}
			o := v.Verify(t.Context(), credential, destination)
			sound(t, o, credential)
			if !strings.Contains(o.Excerpt, row.says) {
				t.Errorf("it says %q", o.Excerpt)
			}
			o.Excerpt, o.Status = "", 0
			if o != row.want {
				t.Errorf("%+v, want %+v", o, row.want)
			}
		})
	}
}
