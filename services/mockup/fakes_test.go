package mockup_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// A probe is a request to a fake, and the expected response.
type probe struct {
	name     string
	method   string // POST by default
	target   string
	header   map[string]string // application/json by default
	body     string
	status   int
	wantText string // part of the response body
}

// probes sends each probe to a new fake.
func probes(t *testing.T, all []probe) {
	t.Helper()
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) {
			_, _, server, _ := serveMockup(t)
			status, body, _ := p.send(t, server)
			if status != p.status || !strings.Contains(body, p.wantText) || (p.wantText == "") != (body == "") {
				t.Errorf("response %d %q, want %d with %q", status, body, p.status, p.wantText)
			}
		})
	}
}

// send sends the request, and returns status, body and header.
func (p probe) send(t *testing.T, server *httptest.Server) (int, string, http.Header) {
	t.Helper()
	method := http.MethodPost
	if p.method != "" {
		method = p.method
	}
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+p.target, strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range p.header {
		req.Header.Set(name, value)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

// limit sends probes until a provider's rate limit is reached, which must be after
// burst, and returns that response. A second later one call must pass again.
func limit(t *testing.T, next func(n int) probe, burst int, passes func(status int, body string) bool) (int, string, http.Header) {
	t.Helper()
	m, _, server, client := serveMockup(t)
	now := noon
	m.Now = func() time.Time { return now }
	if _, err := client.SetLimits(t.Context(), &mockupv1.SetLimitsRequest{Kept: true}); err != nil {
		t.Fatal(err)
	}
	for n := range burst {
		if status, body, _ := next(n).send(t, server); !passes(status, body) {
			t.Fatalf("call %d of a burst: %d %s", n, status, body)
		}
	}
	status, body, header := next(burst).send(t, server)
	if passes(status, body) {
		t.Errorf("above the limit: %d %s", status, body)
	}
	now = now.Add(time.Second)
	if status, body, _ := next(burst).send(t, server); !passes(status, body) {
		t.Errorf("a second later: %d %s", status, body)
	}
	return status, body, header
}

// same returns the same probe every time.
func same(p probe) func(int) probe { return func(int) probe { return p } }
