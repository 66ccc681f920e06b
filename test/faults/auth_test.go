package faults

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/test/proc"
)

// requireKeys lets callers of the system need an API key, and its processes know one another
// by an internal key. It must be called before Bongsu is started.
func (s *system) requireKeys(t testing.TB) {
	t.Helper()
	internal := filepath.Join(t.TempDir(), "internal.key")
	must(t, os.WriteFile(internal, []byte(strings.Repeat("internal", 8)+"\n"), 0o600))
	s.authFlags = []string{"--auth=required", "--internal-key-file=" + internal}
}

// requiresKeys reports whether callers need an API key.
func (s *system) requiresKeys() bool { return len(s.authFlags) > 0 }

// readAdminKey makes the admin key in a data folder that of callers, if they need one. The part
// must have written it at its first start.
func (s *system) readAdminKey(t testing.TB, name, data string) {
	t.Helper()
	if s.requiresKeys() {
		s.apiKey = s.parts[name].AdminKey(t, data)
	}
}

// client returns an HTTP client of callers, which sends the API key if they need one.
func (s *system) client() *http.Client {
	return &http.Client{Transport: proc.KeyTransport{Key: s.apiKey}}
}

// refusesStrangers checks that no URL of callers serves one without an API key.
func (s *system) refusesStrangers(t testing.TB) {
	t.Helper()
	for _, url := range s.urls {
		req, err := http.NewRequestWithContext(limited(t), http.MethodGet, url+"/v1/alerts", http.NoBody)
		must(t, err)
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("without an API key GET /v1/alerts returns %s", res.Status)
		}
	}
}

// TestWithAuth checks that callers need an API key in half of the cases, or in all of them if
// keys are needed everywhere, and that these depend on the seed only.
func TestWithAuth(t *testing.T) {
	for name, cases := range map[string][]faultCase{"few": few, "some": some, "all": every()} {
		t.Run(name, func(t *testing.T) {
			byName := map[string]faultCase{}
			keyed := 0
			for _, c := range withAuth(cases) {
				byName[c.String()] = c
				if c.auth {
					keyed++
				}
				if strings.HasSuffix(c.String(), ",auth=key") != c.auth {
					t.Errorf("the name of %+v is %s", c, c)
				}
			}
			want := (len(cases) + 1) / 2
			if keysEverywhere {
				want = len(cases)
			}
			if len(byName) != len(cases) || keyed != want {
				t.Errorf("%d of %d cases have a key, and %d a name of their own", keyed, len(cases), len(byName))
			}
			reversed := slices.Clone(cases)
			slices.Reverse(reversed)
			again := map[string]faultCase{}
			for _, c := range withAuth(reversed) {
				again[c.String()] = c
			}
			if !maps.Equal(byName, again) {
				t.Error("another order of the cases changes which have a key")
			}
		})
	}
}
