package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// A step is a REST request with its expected response.
type step struct {
	name, method, path, body string
	status                   int
	answer                   string // to the letter; a part of it if it begins with …; not checked if empty
	keep                     string // {keep} is replaced by the last id of this response from now on
}

var answeredID = regexp.MustCompile(`"id":(\d+)`)

// walk makes steps that depend on each other.
func walk(t *testing.T, url string, steps []step) {
	t.Helper()
	var kept []string // for strings.NewReplacer
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			status, answer := request(t, s.method, url+strings.NewReplacer(kept...).Replace(s.path), s.body)
			if ids := answeredID.FindAllStringSubmatch(answer, -1); s.keep != "" && len(ids) > 0 {
				kept = append([]string{"{" + s.keep + "}", ids[len(ids)-1][1]}, kept...)
			}
			want := strings.NewReplacer(kept...).Replace(s.answer)
			part, isPart := strings.CutPrefix(want, "…")
			if status != s.status || isPart && !strings.Contains(answer, part) || !isPart && want != "" && answer != want {
				t.Errorf("%s %s %s\n got: %d %s\nwant: %d %s", s.method, s.path, s.body, status, answer, s.status, want)
			}
			if strings.Contains(answer, "SECRET-") {
				t.Errorf("the response holds a credential: %s", answer)
			}
		})
	}
}
