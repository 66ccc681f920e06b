package edge_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/edge"
)

// TestServiceLimit limits the requests of all callers to a service, and to no other.
func TestServiceLimit(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"alert=1/s", "group=5/s"} })
	for i, want := range []int{404, 404, 429} {
		from := []string{client, neighbor, client6}[i]
		res := a.serve(t, from, requestsByProtocol["REST"](t))
		kittest.Equal(t, res.Code, want)
	}
	a.clock.Advance(time.Second)
	res := a.serve(t, client, requestsByProtocol["Connect"](t))
	kittest.Equal(t, res.Code, 404)
	kittest.Equal(t, a.counted.refused(), map[string]int{edge.RefusedServiceLimit: 1})
}

// TestCORS lets pages of named origins call, and no others.
func TestCORS(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.CORSOrigins = []string{"https://console.example.com"} })
	preflight := func(origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/v1/alerts", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
		r.Header.Set("Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
		return a.serve(t, client, r)
	}
	res := preflight("https://console.example.com")
	kittest.Equal(t, res.Body.String(), "")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://console.example.com", "Access-Control-Allow-Methods": "POST",
		"Access-Control-Allow-Headers": "authorization,content-type,idempotency-key", "Access-Control-Allow-Credentials": "",
	} {
		kittest.Equal(t, res.Header().Get(name), want)
	}
	foreign := preflight("https://evil.example")
	kittest.Equal(t, foreign.Body.String(), "")
	kittest.Equal(t, foreign.Header().Get("Access-Control-Allow-Origin"), "")

	r := requestsByProtocol["REST"](t)
	r.Header.Set("Origin", "https://console.example.com")
	res = a.serve(t, client, r)
	if text := res.Body.String(); !strings.Contains(text, "nobody") {
		t.Errorf("body is %s", text)
	}
	kittest.Equal(t, res.Header().Get("Access-Control-Allow-Origin"), "https://console.example.com")
	if exposed := strings.ToLower(res.Header().Get("Access-Control-Expose-Headers")); !strings.Contains(exposed, "retry-after") || !strings.Contains(exposed, "ratelimit") {
		t.Errorf("exposed headers are %q", exposed)
	}
}

// A slowBody is a body that does not arrive until it is released.
type slowBody struct {
	reading chan<- struct{}
	release <-chan struct{}
}

func (b slowBody) Read([]byte) (int, error) {
	b.reading <- struct{}{}
	<-b.release
	return 0, io.EOF
}

// TestMaxCalls serves no more calls at a time than the bound, and health beyond it. Calls whose
// body arrives slowly count.
func TestMaxCalls(t *testing.T) {
	for name, c := range map[string]struct {
		config    func(*edge.AdmissionConfig)
		from      []string // of the slow calls
		client    int      // the status of another call of the first address
		neighbor  int      // and of another address
		refusedAs map[string]int
	}{
		"of the edge": {
			func(c *edge.AdmissionConfig) { c.MaxCalls = 2 }, []string{client, client}, 503, 503, map[string]int{edge.RefusedMaxCalls: 2},
		},
		"of one address": {
			func(c *edge.AdmissionConfig) { c.MaxCalls, c.AddressLimit = 8, "50/s" }, []string{client, client}, 429, 404, map[string]int{edge.RefusedAddressCalls: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := admit(t, c.config)
			reading, release := make(chan struct{}), make(chan struct{})
			var all sync.WaitGroup
			for _, from := range c.from {
				all.Go(func() {
					r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/intake/nobody", slowBody{reading, release})
					r.Header.Set("Content-Type", "application/json")
					a.serve(t, from, r)
				})
				<-reading
			}
			kittest.Equal(t, a.admission.Counts().Calls, int64(len(c.from)))
			kittest.Equal(t, a.statuses(t, client, 1), []int{c.client})
			kittest.Equal(t, a.statuses(t, neighbor, 1), []int{c.neighbor})
			health := a.serve(t, neighbor, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
			kittest.Equal(t, health.Body.String(), "ok\n")
			close(release)
			all.Wait()
			kittest.Equal(t, a.statuses(t, client, 1), []int{404})
			kittest.Equal(t, a.admission.Counts().Calls, int64(0))
			kittest.Equal(t, a.counted.refused(), c.refusedAs)
		})
	}
}

// TestConfig refuses settings that cannot be meant.
func TestConfig(t *testing.T) {
	for want, change := range map[string]func(*edge.AdmissionConfig){
		"--address-limit":               func(c *edge.AdmissionConfig) { c.AddressLimit = "fast" },
		"--address-limit: ":             func(c *edge.AdmissionConfig) { c.AddressLimit = "0/s" },
		"--ban-after":                   func(c *edge.AdmissionConfig) { c.BanAfter = "0" },
		"invalid --ban-after \"x\"":     func(c *edge.AdmissionConfig) { c.BanAfter = "x" },
		"--ban-time":                    func(c *edge.AdmissionConfig) { c.BanTime = 25 * time.Hour },
		"--trusted-proxies":             func(c *edge.AdmissionConfig) { c.TrustedProxies = []string{"proxy.example.com"} },
		"use service=rate":              func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"500/s"} },
		"unknown service \"sender\"":    func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"sender=500/s"} },
		"use access, alert, directory":  func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"sender=1/s"} },
		"directory has two limits":      func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"group=1/s", "directory=2/s"} },
		"--service-limit: invalid rate": func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"alert=many"} },
		"--cors-origins":                func(c *edge.AdmissionConfig) { c.CORSOrigins = []string{"*"} },
	} {
		c := edge.AdmissionConfig{AddressLimit: "50/s", BanAfter: "100", BanTime: 10 * time.Minute, MaxCalls: 1, MaxStreams: 1, MaxStreamsPerCaller: 1}
		kittest.NoError(t, c.CheckBounds())
		change(&c)
		if err := c.CheckBounds(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}
