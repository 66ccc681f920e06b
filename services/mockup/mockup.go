// Package mockup is the service that stands in for the providers: it answers as
// they would, shows every call it got, and fails on demand.
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

// maxBody is how many bytes of a request are looked at. The rest is read, so
// that the caller gets an answer, and dropped.
const maxBody = 256 << 10

// A Mockup holds the fakes, the calls they got, and the faults they are to show.
//
// A Mockup is safe for concurrent use; its fields are set before the first call.
type Mockup struct {
	// Printer is given every call, in one Write each; nil prints nothing.
	Printer io.Writer
	// Now is the clock.
	Now func() time.Time
	// Random answers with a number from 0 up to, but not including, 1. It decides
	// which calls a Fault with a Share strikes.
	Random func() float64
	// Wait returns nil after d, or the error of ctx when that ends before.
	Wait func(ctx context.Context, d time.Duration) error
	// Client calls back, as some providers do.
	Client *http.Client

	callbacks chan callback // what Run has to call

	mu     sync.Mutex // guards what follows
	calls  record
	faults []Fault // the last set at the end
	last   int64   // what moment answered before, in microseconds

	limited  bool                     // the fakes keep their providers' limits
	limiters map[string]*rate.Limiter // by what a provider counts
	stops    map[string]time.Time     // until when what a provider counts must wait
	memory   map[string]string        // what remember keeps

	printing sync.Mutex
}

// New makes a Mockup that prints to printer and lives in real time.
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

// Fakes answers the paths of all fakes, and nothing else.
func (m *Mockup) Fakes() http.Handler {
	mux := http.NewServeMux()
	for _, f := range m.fakes() {
		mux.Handle(f.pattern, m.serve(f))
	}
	mux.Handle("/", m.telegramCalls())
	return mux
}

// fakes is the visible list, but for Telegram's: a new fake is one file and one line
// here.
func (m *Mockup) fakes() []fake {
	return []fake{
		{"POST /2010-04-01/Accounts/{sid}/Messages.json", m.twilio},
		{"GET /2010-04-01/Accounts/{account}", m.twilioAccount},
		{"POST /api/chat.postMessage", m.slack},
		{"POST /api/auth.test", m.slackTest},
		{"POST /api/conversations.info", m.slackInfo},
		{"POST /services/{team}/{app}/{key}", m.slackHook},
		{"POST /api/webhooks/{id}/{token}", m.discordHook},
		{"POST /api/v10/webhooks/{id}/{token}", m.discordHook},
		{"GET /api/v10/webhooks/{id}/{token}", m.discordHookInfo},
		{"POST /api/v10/channels/{id}/messages", m.discordBot},
		{"GET /api/v10/channels/{id}", m.discordChannelInfo},
		{"POST /workflows/{rest...}", m.teams},
		{"POST /powerautomate/{rest...}", m.teams},
		{"POST /webhookb2/{rest...}", m.teamsConnector},
		{"POST /hook/{name}", m.webhook},
		{"POST /hook/{name}/{more...}", m.webhook},
		{"POST /v2/enqueue", m.pagerDuty},
		{"POST /{topic}", m.ntfy},
		{"POST /{$}", m.sns},
	}
}

// A fake answers one path as its provider would.
type fake struct {
	pattern string // as http.ServeMux takes it
	// answer is given a request whose body has been read: at most maxBody bytes of it
	// and one, which says that the body was longer.
	answer func(r *http.Request, body []byte) answer
}

// An answer is what a fake says.
type answer struct {
	status  int
	headers map[string]string
	body    string
}

// jsonAnswer says v as JSON.
func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and booleans always marshal
	}
	return answer{
		status:  status,
		headers: map[string]string{"Content-Type": "application/json; charset=utf-8"},
		body:    string(body),
	}
}

// serve reads the whole request, records it, lets faults have their way, and
// answers. The call stands in the record before any delay, so that whoever waits
// for it can act while the caller hangs.
func (m *Mockup) serve(f fake) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the caller broke off; there is nobody to answer
		}
		call := m.got(r, body)
		fault := m.strike(call)
		if fault.Delay > 0 && m.Wait(r.Context(), fault.Delay) != nil {
			panic(http.ErrAbortHandler)
		}
		if fault.CloseConnection {
			panic(http.ErrAbortHandler) // how net/http is told to close without an answer
		}
		a := fault.spoil(f.answer(r, body))
		m.answered(call, a)
		if fault.CutAnswer {
			a.cut(w)
		}
		a.write(w)
	})
}

// moment answers with the present as microseconds, but never with the same twice:
// what fakes make their unique ids of.
func (m *Mockup) moment() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = max(m.last+1, m.Now().UnixMicro())
	return m.last
}

// write puts the answer on the wire. An error means that the caller has gone,
// which is the caller's business.
func (a answer) write(w http.ResponseWriter) {
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// cut puts the head of the answer and half of its body on the wire, and closes the
// connection.
func (a answer) cut(w http.ResponseWriter) {
	half := a
	half.body = a.body[:len(a.body)/2]
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)+1)) // so that an empty one is cut, too
	half.write(w)
	_ = http.NewResponseController(w).Flush() // or net/http would drop what it holds; an error means that the caller has gone
	panic(http.ErrAbortHandler)
}

// readBody reads all of a body, and keeps maxBody bytes and one.
func readBody(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, r)
	return body, err
}

// wait is Wait in real time.
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
