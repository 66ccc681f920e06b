// Package mockup is the service that fakes the providers: it responds as they do,
// records and prints every call, and fails on demand.
package mockup

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxBody is the number of bytes of a request that are processed. The rest is read, so
// that the caller receives a response, and dropped.
const maxBody = 256 << 10

// A Mockup holds the fakes, the recorded calls, and the faults.
//
// A Mockup is safe for concurrent use; its fields are set before the first call.
type Mockup struct {
	// Printer receives every call, in one Write each; nil prints nothing.
	Printer io.Writer
	// Now is the clock.
	Now func() time.Time
	// Random returns a number in [0, 1). It decides which calls fail by a Fault with a
	// Share.
	Random func() float64
	// Wait returns nil after d, or the error of ctx if it ends earlier.
	Wait func(ctx context.Context, d time.Duration) error
	// Client sends callbacks, as some providers do.
	Client *http.Client

	callbacks chan callback // the queue of Run

	mu     sync.Mutex // guards the fields below
	calls  callLog
	faults []Fault // the last one set at the end
	last   int64   // the last result of uniqueMicros, in microseconds

	limited  bool                     // rate limits are enforced
	limiters map[string]*rate.Limiter // by rate limit key
	stops    map[string]time.Time     // ends of pauses, by rate limit key
	memory   map[string]string        // the entries of remember
	messages messageLog

	incidents map[string]pagerDutyIncident // by routing key and dedup_key

	printing sync.Mutex
}

// New returns a Mockup that prints to printer and uses the real clock.
func New(printer io.Writer) *Mockup {
	return &Mockup{
		Printer:   printer,
		Now:       time.Now,
		Random:    rand.Float64,
		Wait:      wait,
		Client:    &http.Client{Timeout: callbackTimeout},
		callbacks: make(chan callback, maxCallbacks),
	}
}

// Fakes returns the handler of the paths of all fakes, and of nothing else.
func (m *Mockup) Fakes() http.Handler {
	mux := http.NewServeMux()
	for _, f := range m.fakes() {
		mux.Handle(f.pattern, m.serve(f))
	}
	mux.Handle("/", m.telegramCalls())
	return mux
}

// fakes returns all fakes except Telegram's: a new fake is one file and one line here.
func (m *Mockup) fakes() []fakeEndpoint {
	return []fakeEndpoint{
		{"POST /2010-04-01/Accounts/{sid}/Messages.json", m.twilio},
		{"GET /2010-04-01/Accounts/{account}", m.twilioAccount},
		{"POST /api/chat.postMessage", m.slack},
		{"POST /api/chat.update", m.slackUpdate},
		{"POST /api/auth.test", m.slackTest},
		{"POST /api/conversations.info", m.slackInfo},
		{"POST /services/{team}/{app}/{key}", m.slackHook},
		{"POST /api/webhooks/{id}/{token}", m.discordHook},
		{"POST /api/v10/webhooks/{id}/{token}", m.discordHook},
		{"GET /api/v10/webhooks/{id}/{token}", m.discordHookInfo},
		{"PATCH /api/v10/webhooks/{id}/{token}/messages/{message}", m.discordHookEdit},
		{"PATCH /api/v10/channels/{id}/messages/{message}", m.discordBotEdit},
		{"POST /api/v10/channels/{id}/messages", m.discordBot},
		{"GET /api/v10/channels/{id}", m.discordChannelInfo},
		{"POST /workflows/{rest...}", m.teams},
		{"POST /powerautomate/{rest...}", m.teams},
		{"POST /webhookb2/{rest...}", m.teamsConnector},
		{"POST /hook/{name}", m.webhook},
		{"POST /hook/{name}/{more...}", m.webhook},
		{"POST /hooks/{id}", m.mattermost},
		{"POST /hooks/{id}/{token}", m.rocketChat},
		{"POST /hooks/{id}/{user}/{token}", m.rocketChat},
		{"POST /v1/spaces/{space}/messages", m.googleChat},
		{"POST /alimtalk/v2/services/{service}/messages", m.ncpSENS},
		{"POST /v2/enqueue", m.pagerDuty},
		{"POST /{topic}", m.ntfy},
		{"POST /{$}", m.sns},
	}
}

// A fakeEndpoint responds on one path as its provider does.
type fakeEndpoint struct {
	pattern string // for http.ServeMux
	// respond handles a request whose body was read: at most maxBody+1 bytes of it,
	// where the last byte means that the body was longer.
	respond func(r *http.Request, body []byte) response
}

// A response is the response of a fake.
type response struct {
	status  int
	headers map[string]string
	body    string
	effect  func() // what the call changes, such as a message that it makes; nil changes nothing
}

// jsonResponse returns v as a JSON response.
func jsonResponse(status int, v any) response {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and booleans always marshal
	}
	return response{
		status:  status,
		headers: map[string]string{"Content-Type": "application/json; charset=utf-8"},
		body:    string(body),
	}
}

// serve reads the whole request, records it, applies faults, and responds. The call is
// recorded before any delay, so that a client that polls for it can act while the
// caller is delayed.
func (m *Mockup) serve(f fakeEndpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the caller disconnected
		}
		call := m.recordRequest(r, body)
		fault := m.matchFault(call)
		if fault.Delay > 0 && m.Wait(r.Context(), fault.Delay) != nil {
			panic(http.ErrAbortHandler)
		}
		if fault.CloseConnection {
			panic(http.ErrAbortHandler) // net/http closes the connection without a response
		}
		own := f.respond(r, body)
		if own.effect != nil && !fault.replaces() {
			own.effect()
		}
		a := fault.apply(own)
		m.recordResponse(call, a)
		if fault.CutAnswer {
			a.cut(w)
		}
		a.write(w)
	})
}

// uniqueMicros returns the current time in microseconds, but never the same value twice:
// fakes make unique ids of it.
func (m *Mockup) uniqueMicros() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = max(m.last+1, m.Now().UnixMicro())
	return m.last
}

// write writes the response. An error means that the caller disconnected, and is
// ignored.
func (r response) write(w http.ResponseWriter) {
	for name, value := range r.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
}

// cut writes the head of the response and half of its body, and closes the connection.
func (r response) cut(w http.ResponseWriter) {
	half := r
	half.body = r.body[:len(r.body)/2]
	w.Header().Set("Content-Length", strconv.Itoa(len(r.body)+1)) // so that an empty body is also cut
	half.write(w)
	_ = http.NewResponseController(w).Flush() // or net/http would drop its buffer; an error means that the caller disconnected
	panic(http.ErrAbortHandler)
}

// readBody reads a whole body, and returns at most maxBody+1 bytes.
func readBody(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, r)
	return body, err
}

// wait is the default of Wait.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
