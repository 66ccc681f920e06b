package alert_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A receiver is a caller's system with a callback endpoint. It verifies each request.
type receiver struct {
	t       *testing.T
	secret  *standardwebhooks.Webhook
	respond func(w http.ResponseWriter, id string) // nil responds with 200; called with mu held

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
	r.mu.Lock()
	defer r.mu.Unlock()
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
	r.requests = append(r.requests, received{id, string(body), time.Now(), rec.Code < 300})
}

// change calls a function that changes the responses.
func (r *receiver) change(responses func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	responses()
}

// received returns all requests so far.
func (r *receiver) received() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
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
