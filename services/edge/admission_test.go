package edge_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/internal/ban/bantest"
	"github.com/bongsu-project/bongsu/internal/intake"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// An admitted is an edge whose admission is under test. Its methods that need no other service
// are served.
type admitted struct {
	http.Handler
	admission *edge.Admission
	clock     *bantest.Clock
	bans      *ban.Memory
	counted   *counted
}

// admit returns an edge with settings, whose other defaults let every request pass.
func admit(t testing.TB, change func(*edge.AdmissionConfig)) *admitted {
	t.Helper()
	config := edge.AdmissionConfig{AddressLimit: "off", BanAfter: "100", BanTime: 10 * time.Minute, MaxCalls: 4096, MaxStreams: 4096, MaxStreamsPerCaller: 256}
	change(&config)
	clock, log := bantest.NewClock(), slog.New(slog.DiscardHandler)
	a := &admitted{clock: clock, bans: ban.NewMemory(clock.Now), counted: &counted{byReason: map[string]int{}}}
	var err error
	a.admission, err = edge.NewAdmission(config, edge.AdmissionDependencies{Bans: a.bans, Metrics: a.counted, Now: clock.Now, Log: log})
	kittest.NoError(t, err)
	options, err := rpc.NewOptions(log, noop.NewMeterProvider(), noop.Int64Counter{}, edge.RESTRules)
	kittest.NoError(t, err)
	e := edge.Edge{
		Groups: groupv1connect.UnimplementedGroupServiceHandler{}, Users: userv1connect.UnimplementedUserServiceHandler{},
		Alerts: alertv1connect.UnimplementedAlertServiceHandler{}, Messengers: messengerv1connect.UnimplementedMessengerServiceHandler{},
		Transfers: userv1connect.UnimplementedTransferServiceHandler{}, Endpoints: alertv1connect.UnimplementedCallbackEndpointServiceHandler{},
		Events: eventv1connect.UnimplementedEventServiceHandler{}, Inbox: inboxv1connect.UnimplementedInboxServiceHandler{}, Callbacks: &edge.CallbackHandler{},
		Intake:    &edge.IntakeHandler{Sources: map[string]intake.Source{}, Metrics: a.counted, Log: log},
		Admission: a.admission,
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	a.Handler, err = rpc.Listener{Services: e.Services(options.With(e.Interceptors()...)), Stages: e.Stages(), Handlers: map[string]http.Handler{"GET /nothing": nothing}}.Handler()
	kittest.NoError(t, err)
	return a
}

// counted counts the refusals of an edge.
type counted struct {
	mu       sync.Mutex
	byReason map[string]int
	bans     int
}

func (c *counted) RefusedRequest(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byReason[reason]++
}

func (c *counted) AddressBanned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bans++
}

func (*counted) Received(string, string, int)        {}
func (*counted) RefusedIntake(string, string)        {}
func (*counted) IntakeProblem(string, string)        {}
func (c *counted) refused() (reasons map[string]int) { return c.byReason }

// get sends a request that needs no service.
func (a *admitted) get(t testing.TB, from string) *httptest.ResponseRecorder {
	t.Helper()
	return a.serve(t, from, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/nothing", nil))
}

func (a *admitted) serve(t testing.TB, from string, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 4711).String()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// statuses returns the statuses of n requests.
func (a *admitted) statuses(t testing.TB, from string, n int) (statuses []int) {
	t.Helper()
	for range n {
		statuses = append(statuses, a.get(t, from).Code)
	}
	return statuses
}

const (
	client, neighbor  = "203.0.113.9", "203.0.113.10"
	client6, sibling6 = "2001:db8:0:1::7", "2001:db8:0:1::8"
)

// TestAddressLimit refuses requests beyond the limit of their address, and no others.
func TestAddressLimit(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "2/s" })
	kittest.Equal(t, a.statuses(t, client, 6), []int{404, 404, 404, 404, 429, 429})
	kittest.Equal(t, a.statuses(t, neighbor, 1), []int{404})
	a.clock.Advance(500 * time.Millisecond)
	kittest.Equal(t, a.statuses(t, client, 2), []int{404, 429})
	a.clock.Advance(time.Hour)
	kittest.Equal(t, a.statuses(t, client, 5), []int{404, 404, 404, 404, 429})

	kittest.Equal(t, a.statuses(t, client6, 4), []int{404, 404, 404, 404})
	kittest.Equal(t, a.statuses(t, sibling6, 1), []int{429})
	kittest.Equal(t, a.statuses(t, "2001:db8:0:2::7", 1), []int{404})
	kittest.Equal(t, a.statuses(t, "::ffff:"+client, 1), []int{429})
	kittest.Equal(t, a.counted.refused(), map[string]int{edge.RefusedAddressLimit: 6})
	kittest.Equal(t, a.admission.Counts(), edge.Counts{Addresses: 4})
}

// TestRateHeaders tells callers how much is left, and when to come again.
func TestRateHeaders(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "2/s" })
	for i, want := range []string{`"address";r=3;t=1`, `"address";r=2;t=1`, `"address";r=1;t=2`, `"address";r=0;t=2`, `"address";r=0;t=2`} {
		res := a.get(t, client)
		kittest.Equal(t, res.Header().Get("RateLimit"), want)
		kittest.Equal(t, res.Header().Get("RateLimit-Policy"), `"address";q=4;w=2`)
		if want := map[bool]string{true: "1"}[i == 4]; res.Header().Get("Retry-After") != want {
			t.Errorf("request %d: Retry-After is %q, want %q", i, res.Header().Get("Retry-After"), want)
		}
	}
}

// TestAddressBan bans an address that goes on beyond the limit, for the time of a ban.
func TestAddressBan(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit, c.BanAfter = "1/s", "3" })
	kittest.Equal(t, a.statuses(t, client, 8), []int{404, 404, 429, 429, 429, 429, 403, 403})
	kittest.Equal(t, a.statuses(t, neighbor, 1), []int{404})
	kittest.Equal(t, a.counted.bans, 1)
	kittest.Equal(t, a.counted.refused(), map[string]int{edge.RefusedAddressLimit: 4, edge.RefusedBanned: 2})

	res := a.get(t, client)
	text := res.Body.String()
	kittest.Equal(t, res.Header().Get("Retry-After"), "600")
	for _, part := range []string{client, "2026-03-01T12:10:00Z", "bongsu ban lift", `"code":7`, `"reason":"ADDRESS_BANNED"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not contain %q", text, part)
		}
	}
	a.clock.Advance(10*time.Minute - time.Second)
	kittest.Equal(t, a.statuses(t, client, 1), []int{403})
	a.clock.Advance(time.Second)
	kittest.Equal(t, a.statuses(t, client, 3), []int{404, 404, 429})

	// A ban ends when it is lifted; refusals are counted anew.
	kittest.Equal(t, a.statuses(t, client, 4), []int{429, 429, 429, 403})
	kittest.NoError(t, a.bans.Lift(t.Context(), netip.MustParseAddr(client)))
	kittest.Equal(t, a.statuses(t, client, 1), []int{429})
}

// TestSlowAddressIsNotBanned refuses an address that is slightly above the limit, and does not
// ban it.
func TestSlowAddressIsNotBanned(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit, c.BanAfter = "1/s", "10" })
	for range 300 { // 2 in a second
		a.statuses(t, client, 1)
		a.clock.Advance(500 * time.Millisecond)
	}
	kittest.Equal(t, a.counted.bans, 0)
	if refused := a.counted.refused()[edge.RefusedAddressLimit]; refused < 100 {
		t.Errorf("%d refused", refused)
	}
}

// TestNoBans never bans with --ban-after=off.
func TestNoBans(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit, c.BanAfter = "1/s", "off" })
	a.statuses(t, client, 1000)
	kittest.Equal(t, a.statuses(t, client, 1), []int{429})
	kittest.Equal(t, a.bans.Len(), 0)
}

// TestBannedElsewhere refuses an address that another edge has banned.
func TestBannedElsewhere(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "1/s" })
	a.bans.Add(netip.MustParseAddr(client), time.Minute)
	kittest.Equal(t, a.statuses(t, client, 1), []int{403})
}

// requestsByProtocol are the requests of a method that needs no service, by protocol.
var requestsByProtocol = map[string]func(t *testing.T) *http.Request{
	"REST": func(t *testing.T) *http.Request {
		return request(t, "/v1/intake/nobody", "application/json", `{}`)
	},
	"Connect": func(t *testing.T) *http.Request {
		return request(t, "/bongsu.intake.v1.IntakeService/Receive", "application/json", `{"source":"nobody","body":{"contentType":"application/json","data":"e30="}}`)
	},
	"gRPC": func(t *testing.T) *http.Request {
		r := request(t, "/bongsu.intake.v1.IntakeService/Receive", "application/grpc+json", envelope(`{"source":"nobody","body":{"contentType":"application/json","data":"e30="}}`))
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
		r.Header.Set("Te", "trailers")
		return r
	},
	"gRPC-Web": func(t *testing.T) *http.Request {
		return request(t, "/bongsu.intake.v1.IntakeService/Receive", "application/grpc-web+json", envelope(`{"source":"nobody","body":{"contentType":"application/json","data":"e30="}}`))
	},
}

func request(t *testing.T, path, contentType, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func envelope(message string) string {
	return string([]byte{0, 0, 0, 0, byte(len(message))}) + message
}

// A refusal is what a caller sees of an error.
type refusal struct {
	status     int
	code       string // by gRPC: its number
	retryAfter string
	retryInfo  bool
}

func refusalOf(t *testing.T, protocol string, w *httptest.ResponseRecorder) refusal {
	t.Helper()
	res, text := w.Result(), w.Body.String()
	defer res.Body.Close()
	r := refusal{status: res.StatusCode, retryAfter: res.Header.Get("Retry-After")}
	switch protocol {
	case "gRPC", "gRPC-Web":
		if r.code = res.Header.Get("Grpc-Status"); r.code == "" {
			r.code = res.Trailer.Get("Grpc-Status")
		}
		if _, trailers, ok := strings.Cut(text, "grpc-status: "); ok {
			r.code, _, _ = strings.Cut(trailers, "\r\n")
		}
		details := firstOf(res.Header.Get("Grpc-Status-Details-Bin"), res.Trailer.Get("Grpc-Status-Details-Bin"))
		if _, trailers, ok := strings.Cut(text, "grpc-status-details-bin: "); ok {
			details, _, _ = strings.Cut(trailers, "\r\n")
		}
		decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(details, "="))
		kittest.NoError(t, err)
		r.retryInfo = bytes.Contains(decoded, []byte("google.rpc.RetryInfo"))
		r.retryAfter = firstOf(r.retryAfter, res.Trailer.Get("Retry-After"))
		if _, after, ok := strings.Cut(text, "retry-after: "); ok {
			r.retryAfter, _, _ = strings.Cut(after, "\r\n")
		}
	default:
		var e struct {
			Code    json.RawMessage
			Details []map[string]any
		}
		kittest.NoError(t, json.Unmarshal([]byte(text), &e))
		r.code = string(bytes.Trim(e.Code, `"`))
		for _, d := range e.Details {
			kind, _ := d["@type"].(string)
			name, _ := d["type"].(string)
			r.retryInfo = r.retryInfo || strings.HasSuffix(kind, "google.rpc.RetryInfo") || name == "google.rpc.RetryInfo"
		}
	}
	return r
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// TestRefusalsByProtocol refuses in the form of each protocol, with the time to wait.
func TestRefusalsByProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		config func(*edge.AdmissionConfig)
		banned bool
		want   map[string]refusal
	}{
		"address limit": {func(c *edge.AdmissionConfig) { c.AddressLimit = "1/m" }, false, map[string]refusal{
			"REST":     {429, "8", "60", true},
			"Connect":  {429, "resource_exhausted", "60", true},
			"gRPC":     {200, "8", "60", true},
			"gRPC-Web": {200, "8", "60", true},
		}},
		"service limit": {func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"alert=1/m"} }, false, map[string]refusal{
			"REST":     {429, "8", "60", true},
			"Connect":  {429, "resource_exhausted", "60", true},
			"gRPC":     {200, "8", "60", true},
			"gRPC-Web": {200, "8", "60", true},
		}},
		"ban": {func(c *edge.AdmissionConfig) { c.AddressLimit = "1/m" }, true, map[string]refusal{
			"REST":     {403, "7", "3600", false},
			"Connect":  {403, "permission_denied", "3600", false},
			"gRPC":     {200, "7", "3600", false},
			"gRPC-Web": {200, "7", "3600", false},
		}},
	} {
		for protocol, newRequest := range requestsByProtocol {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				a := admit(t, c.config)
				if c.banned {
					a.bans.Add(netip.MustParseAddr(client), time.Hour)
				} else {
					for range 2 { // the burst
						first := a.serve(t, client, newRequest(t))
						if got := refusalOf(t, protocol, first); got.retryInfo || got.code != map[string]string{"REST": "5", "Connect": "not_found"}[protocol] && got.code != "5" {
							t.Fatalf("a request within the limit: %+v", got)
						}
					}
				}
				kittest.Equal(t, refusalOf(t, protocol, a.serve(t, client, newRequest(t))), c.want[protocol])
			})
		}
	}
}

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

// TestAddressesAreBounded floods from more addresses than are kept: memory is bounded, and an
// address in use keeps its limit.
func TestAddressesAreBounded(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "1/h" })
	kittest.Equal(t, a.statuses(t, client, 3), []int{404, 404, 429})
	for i := range 70_000 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nothing", nil)
		r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1).String()
		a.ServeHTTP(httptest.NewRecorder(), r)
		if i%1000 == 0 {
			kittest.Equal(t, a.statuses(t, client, 1), []int{429})
		}
	}
	kittest.Equal(t, a.admission.Counts().Addresses, 65_536)
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

// BenchmarkAdmission measures the stages before authentication: of a request that is served, of
// one beyond the limit, and of one of a banned address.
func BenchmarkAdmission(b *testing.B) {
	for name, c := range map[string]struct {
		limit  string
		banned bool
	}{"off": {"off", false}, "served": {"100000/s", false}, "refused": {"1/h", false}, "banned": {"50/s", true}} {
		b.Run(name, func(b *testing.B) {
			a := admit(b, func(cfg *edge.AdmissionConfig) { cfg.AddressLimit, cfg.BanAfter = c.limit, "off" })
			if c.banned {
				a.bans.Add(netip.MustParseAddr(client), time.Hour)
			}
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/nothing", nil)
			r.RemoteAddr = client + ":4711"
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				a.clock.Advance(20 * time.Microsecond)
				a.ServeHTTP(w, r)
			}
		})
	}
}

// A discard is a response without a reader.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header          { return d.header }
func (*discard) Write(data []byte) (int, error) { return len(data), nil }
func (*discard) WriteHeader(int)                {}
