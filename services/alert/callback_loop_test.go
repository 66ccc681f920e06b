package alert_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// A receiver is a caller's system with a callback endpoint. It verifies each request.
type receiver struct {
	t       *testing.T
	secret  *standardwebhooks.Webhook
	respond func(w http.ResponseWriter, id string) // nil responds with 200

	mu       sync.Mutex
	requests []received
}

// A received request.
type received struct {
	id, body string
	at       time.Time
	accepted bool
}

// RoundTrip calls the receiver without a network, so that its clock can be fake.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	return rec.Result(), nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	must(r.t, err)
	if err := r.secret.VerifyIgnoringTimestamp(body, req.Header); err != nil { // its library reads the real clock
		r.t.Errorf("signature: %v", err)
	}
	rec := httptest.NewRecorder()
	id := req.Header.Get("Webhook-Id")
	if r.respond != nil {
		r.respond(rec, id)
	}
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, received{id, string(body), time.Now(), rec.Code < 300})
}

// accepted returns the reports of all accepted requests, by delivery. It fails the test if two
// requests with the same id differ.
func (r *receiver) accepted() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	bodies, n := map[string]string{}, map[string]int{}
	for _, req := range r.requests {
		if body, ok := bodies[req.id]; ok && body != req.body {
			r.t.Errorf("%s has the bodies\n%s\n%s", req.id, body, req.body)
		}
		bodies[req.id] = req.body
		if !req.accepted {
			continue
		}
		var body struct {
			Data struct{ Deliveries []struct{ DeliveryID string } }
		}
		must(r.t, json.Unmarshal([]byte(req.body), &body))
		for _, d := range body.Data.Deliveries {
			n[d.DeliveryID]++
		}
	}
	return n
}

// callbackCounts are CallbackMetrics that count.
type callbackCounts struct {
	mu             sync.Mutex
	calls, reports map[string]int
	called         chan string // gets each outcome, unless nil
}

func newCallbackCounts() *callbackCounts {
	return &callbackCounts{calls: map[string]int{}, reports: map[string]int{}}
}

func (c *callbackCounts) CallbackCalled(outcome string, _ time.Duration) {
	c.mu.Lock()
	c.calls[outcome]++
	c.mu.Unlock()
	if c.called != nil {
		c.called <- outcome
	}
}

func (c *callbackCounts) CallbackReports(outcome string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports[outcome] += n
}

// keyringIn returns a new keyring, and the path of its file.
func keyringIn(t testing.TB) (*seal.Keyring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	must(t, sealkey.Format.CreateKeyFile(path))
	key, err := sealkey.Format.ReadKeyFile(path)
	must(t, err)
	return key, path
}

// A callbackLedger is a ledger with the callback endpoint orders, and its receiver.
type callbackLedger struct {
	l      *ledger.Store
	key    *seal.Keyring
	file   string // of the key
	r      *receiver
	counts *callbackCounts
	log    *bytes.Buffer
}

func openCallbackLedger(t *testing.T) *callbackLedger {
	t.Helper()
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
	must(t, err)
	key, file := keyringIn(t)
	res, err := endpoints(l, key).CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: "orders", Url: "https://orders.example.com/hook?token=T0PSECRET99"})
	must(t, err)
	secret, err := standardwebhooks.NewWebhook(res.GetSecret())
	must(t, err)
	return &callbackLedger{l, key, file, &receiver{t: t, secret: secret}, newCallbackCounts(), &bytes.Buffer{}}
}

// start runs a loop until it is stopped.
func (c *callbackLedger) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	loop := &alert.CallbackLoop{
		Store: c.l, Key: c.key, Metrics: c.counts, Now: time.Now, Log: slog.New(slog.NewTextHandler(c.log, nil)),
		Endpoint: call.Endpoint{Client: &http.Client{Transport: c.r}, Now: time.Now}.ForUserURL(),
	}
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		must(t, <-done)
	}
}

// end records an alert with n deliveries that end at once.
func (c *callbackLedger) end(t *testing.T, n int) {
	t.Helper()
	ds := make([]alert.Delivery, n)
	for i := range ds {
		ds[i] = alert.Delivery{Nickname: "kim", Messenger: "fax", State: alert.Failed, Reason: "unknown_messenger", EndTime: time.Now()}
	}
	a := alert.Alert{Severity: "normal", Message: "x", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), Callback: "orders"}
	_, err := c.l.AddAlert(t.Context(), a, ds, time.Now())
	must(t, err)
}

// endpoint returns the endpoint orders.
func (c *callbackLedger) endpoint(t *testing.T) *alertv1.CallbackEndpoint {
	t.Helper()
	res, err := endpoints(c.l, c.key).ListCallbackEndpoints(t.Context(), &alertv1.ListCallbackEndpointsRequest{})
	must(t, err)
	return res.GetEndpoints()[0]
}

// endpoints returns a handler of callback endpoints.
func endpoints(l *ledger.Store, key *seal.Keyring) *alert.CallbackEndpointHandler {
	return &alert.CallbackEndpointHandler{Store: l, Key: key, Now: time.Now}
}

// TestCallbackLoop checks that reports are sent within a second, in requests of at most 100, and
// what a request looks like.
func TestCallbackLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		stop := c.start(t)
		defer stop()
		time.Sleep(time.Minute)
		begin := time.Now()
		c.end(t, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(c.r.requests) != 1 || c.r.requests[0].at.Sub(begin) > time.Second {
			t.Fatalf("after a second: %+v", c.r.requests)
		}
		var ids struct {
			Data struct {
				Deliveries []struct{ ReportID, AlertID, DeliveryID string }
			}
		}
		first := c.r.requests[0]
		must(t, json.Unmarshal([]byte(first.body), &ids))
		d := ids.Data.Deliveries[0]
		want := fmt.Sprintf(`{"type":"deliveries.updated","timestamp":"2000-01-01T00:01:00Z","data":{"deliveries":[{"reportId":"%s","alertId":"%s","deliveryId":"%s",`+
			`"nickName":"kim","messenger":"fax","state":"DELIVERY_STATE_FAILED","reason":"unknown_messenger","endTime":"2000-01-01T00:01:00Z"}]}}`,
			d.ReportID, d.AlertID, d.DeliveryID)
		if first.body != want {
			t.Errorf("got\n%s\nwant\n%s", first.body, want)
		}
		c.end(t, 1010)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 1011 {
			t.Errorf("%d deliveries are reported", len(n))
		}
		if n := len(c.r.requests); n != 12 {
			t.Errorf("%d requests for 1 and 1010 reports", n)
		}
		if c.counts.reports["sent"] != 1011 || c.counts.calls["sent"] != 12 {
			t.Errorf("counted are %v, %v", c.counts.reports, c.counts.calls)
		}
	})
}

// TestCallbackLoopRetries checks that failed requests are repeated unchanged until the endpoint
// recovers, less often the longer it fails, and that a request that always fails delays no other.
func TestCallbackLoopRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		poison, down := "", true
		c.r.respond = func(w http.ResponseWriter, id string) {
			switch {
			case down:
				http.Error(w, "not today, T0PSECRET99", http.StatusInternalServerError)
			case id == poison:
				w.WriteHeader(http.StatusBadRequest)
			}
		}
		stop := c.start(t)
		defer stop()
		c.end(t, 150)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		failed := len(c.r.requests)
		if failed < 10 || failed > 30 {
			t.Errorf("an endpoint that was down for two hours was called %d times", failed)
		}
		e := c.endpoint(t)
		if e.GetWaitingCount() != 150 || !strings.HasPrefix(e.GetLastError(), "http_500: not today") || strings.Contains(e.GetLastError(), "SECRET99") {
			t.Errorf("%v", e)
		}
		longest := slices.MaxFunc(c.r.requests, func(a, b received) int { return len(a.body) - len(b.body) }) // of 100 reports
		down, poison = false, longest.id
		c.end(t, 250)
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 300 {
			t.Errorf("%d deliveries are reported beside 100 of the poison", len(n))
		}
		before := len(c.r.requests)
		c.end(t, 1)
		time.Sleep(10 * time.Second) // a failed turn of the poison alone delays the endpoint by 5 s
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 301 || len(c.r.requests) > before+2 {
			t.Errorf("%d deliveries, %d requests after %d", len(n), len(c.r.requests), before)
		}
		poison = ""
		time.Sleep(time.Hour)
		synctest.Wait()
		n := c.r.accepted()
		for id, times := range n {
			if times != 1 {
				t.Errorf("delivery %s is reported %d times", id, times)
			}
		}
		if e := c.endpoint(t); len(n) != 401 || e.GetWaitingCount() != 0 || e.GetLastError() != "" {
			t.Errorf("%d deliveries, %v", len(n), e)
		}
		if log := c.log.String(); !strings.Contains(log, "callback endpoint failed") || !strings.Contains(log, "callback endpoint recovered") || strings.Contains(log, "SECRET99") {
			t.Errorf("log is\n%s", log)
		}
	})
}

// TestCallbackLoopRetryAfter checks that an endpoint gets the pause that it asks for.
func TestCallbackLoopRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		c.r.respond = func(w http.ResponseWriter, _ string) {
			w.Header().Set("Retry-After", "1800")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		stop := c.start(t)
		defer stop()
		c.end(t, 1)
		time.Sleep(29 * time.Minute)
		synctest.Wait()
		if n := len(c.r.requests); n != 1 {
			t.Errorf("%d requests in a pause of 30 minutes", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := len(c.r.requests); n != 2 {
			t.Errorf("%d requests after it", n)
		}
	})
}

// TestCallbackLoopTTL checks that reports are dropped after a day, and later ones are sent.
func TestCallbackLoopTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		down := true
		c.r.respond = func(w http.ResponseWriter, _ string) {
			if down {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
		stop := c.start(t)
		defer stop()
		c.end(t, 350)
		time.Sleep(23 * time.Hour)
		c.end(t, 7)
		time.Sleep(90 * time.Minute)
		down = false
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 7 {
			t.Errorf("%d deliveries are reported, want the 7 of the last hours", len(n))
		}
		if c.counts.reports["dropped"] != 350 || !strings.Contains(c.log.String(), "reports dropped") {
			t.Errorf("counted are %v\n%s", c.counts.reports, c.log)
		}
	})
}

// TestCallbackLoops runs two loops on one ledger, and a process that was killed after it took a
// turn: each report is sent once, those of the killed process after its lease.
func TestCallbackLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		c.end(t, 250)
		killed, ok, err := c.l.TakeCallbacks(t.Context(), time.Now(), time.Now().Add(30*time.Second), func(reports []alert.CallbackReport) (string, []byte) {
			var ids []string
			for _, r := range reports {
				ids = append(ids, fmt.Sprintf(`{"deliveryId":"%d"}`, r.DeliveryID))
			}
			return fmt.Sprint("killed-", reports[0].ID), []byte(`{"data":{"deliveries":[` + strings.Join(ids, ",") + `]}}`)
		})
		if err != nil || !ok || len(killed.Batches) != 3 {
			t.Fatal(killed, ok, err)
		}
		stops := []func(){c.start(t), c.start(t)}
		for range 20 {
			c.end(t, 30)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 0 {
			t.Errorf("%d deliveries were reported in the lease of another process", len(n))
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		n := c.r.accepted()
		for id, times := range n {
			if times != 1 {
				t.Errorf("delivery %s is reported %d times", id, times)
			}
		}
		if len(n) != 850 || !slices.ContainsFunc(c.r.requests, func(r received) bool { return r.id == killed.Batches[2].ID }) {
			t.Errorf("%d deliveries are reported", len(n))
		}
		for _, stop := range stops {
			stop()
		}
	})
}

// TestCallbackLoopKeyRotation checks that secrets are sealed under a new primary key while the
// loop runs.
func TestCallbackLoopKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		stop := c.start(t)
		defer stop()
		added, err := sealkey.Format.RotateKeyFile(c.file, time.Now())
		must(t, err)
		if _, err := c.key.Reload(); err != nil {
			t.Fatal(err)
		}
		c.end(t, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		all, err := c.l.CallbackEndpoints(t.Context())
		must(t, err)
		if id, ok := seal.KeyIDOf(all[0].SealedSecret); !ok || id != added {
			t.Errorf("sealed under %d, want %d", id, added)
		}
		if n := c.r.accepted(); len(n) != 1 {
			t.Errorf("%d deliveries are reported", len(n))
		}
	})
}

// TestCallbackLoopGuard checks that an endpoint cannot lead into the network of the service.
func TestCallbackLoopGuard(t *testing.T) {
	t.Parallel()
	c := openCallbackLedger(t)
	defer c.l.Close()
	server := httptest.NewTLSServer(c.r)
	defer server.Close()
	must(t, c.l.DeleteCallbackEndpoint(t.Context(), "orders"))
	_, err := endpoints(c.l, c.key).CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: "orders", Url: server.URL})
	must(t, err)
	c.end(t, 1)
	c.counts.called = make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	loop := &alert.CallbackLoop{
		Store: c.l, Key: c.key, Metrics: c.counts, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Endpoint: call.Endpoint{Client: call.NewClient(call.ClientConfig{}), Now: time.Now}.ForUserURL(),
	}
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx) }()
	select {
	case outcome := <-c.counts.called:
		if outcome != "failed" {
			t.Errorf("outcome is %s", outcome)
		}
	case <-time.After(waitTimeout):
		t.Error("no call")
	}
	cancel()
	must(t, <-done)
	if e := c.endpoint(t); !strings.HasPrefix(e.GetLastError(), "forbidden_address") || len(c.r.requests) != 0 {
		t.Errorf("%v, %d requests", e, len(c.r.requests))
	}
}
