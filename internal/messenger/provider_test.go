package messenger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// secret is the credential of every call here. Spelled for a URL, for JSON and
// for HTML it is four different strings.
const secret = "xoxb-SECRET/+%&<token>"

// noon is what every clock here shows.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A sample is what the promises need to know of a messenger. Its row stands in the
// messenger's own test file.
type sample struct {
	message   Message // its credential holds the word SECRET, and nothing else does
	status    int     // with sent it says that the message was taken; 0 means 200
	sent      string
	messageID string // what is kept of it
	evidence  string // what is kept as evidence of success, where it is not what was sent
	refused   string // an answer with that status that is no success; empty where the status alone is the provider's word
	// means holds the statuses that mean something else here than they do by
	// themselves (reply.outcome), without a body that says more.
	means map[int]meaning
}

var samples = map[string]sample{
	"discord":    discordSample,
	"discordbot": discordBotSample,
	"ntfy":       ntfySample,
	"pagerduty":  pagerDutySample,
	"slack":      slackSample,
	"slackhook":  slackHookSample,
	"sns":        snsSample,
	"teams":      teamsSample,
	"telegram":   telegramSample,
	"twilio":     twilioSample,
	"webhook":    webhookSample,
}

// ok is the status of success.
func (s sample) ok() int { return cmp.Or(s.status, http.StatusOK) }

// by is what a status comes to whose body says nothing.
func (s sample) by(status int, kind Kind) Kind {
	if m, is := s.means[status]; is {
		return m.kind
	}
	return kind
}

// each runs promise over all messengers that speak HTTP, every one pointed at url.
func each(t *testing.T, base string, client *http.Client, promise func(t *testing.T, m Messenger, s sample)) {
	t.Helper()
	eachBy(t, endpoint(base, client), promise)
}

// eachBy runs promise over them by one endpoint.
func eachBy(t *testing.T, e Endpoint, promise func(t *testing.T, m Messenger, s sample)) {
	t.Helper()
	for _, m := range All(func(string) Endpoint { return e }) {
		name := m.Spec().Name
		if name == "email" {
			continue // it speaks SMTP: talk_test.go holds it to the same
		}
		t.Run(name, func(t *testing.T) {
			s, found := samples[name]
			if !found {
				t.Fatalf("samples has no row for %s", name)
			}
			promise(t, m, s)
		})
	}
}

// endpoint is that of a provider at base.
func endpoint(base string, client *http.Client) Endpoint {
	return Endpoint{Client: client, Now: func() time.Time { return noon }, URL: base}
}

// newClient is NewClient, its connections closed when the test ends.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	c := NewClient(ClientConfig{Anywhere: true})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// provider stands up a provider that answers every call by answer.
func provider(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

// rawProvider stands up a provider that does to each connection what it likes.
func rawProvider(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		g.Wait()
	})
	return "http://" + listener.Addr().String()
}

// echo puts all that a call bore into an answer, what may be the credential in every
// spelling.
func echo(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	user, password, _ := r.BasicAuth()
	body, _ := io.ReadAll(r.Body)
	said := fmt.Sprintf("%s %s %s %s %s %s %s ", r.URL, r.RequestURI, r.URL.Query(), r.Header, body, user, password)
	return said + fmt.Sprintf("%s %s %s %q %s", token, url.QueryEscape(token), url.PathEscape(token), token, strings.ReplaceAll(token, "/", `\/`))
}

// send calls m and checks what must be true of every outcome.
func send(ctx context.Context, t *testing.T, m Messenger, message Message) Outcome {
	t.Helper()
	o := m.Send(ctx, message)
	sound(t, o, message.Credential)
	if o.Destination != "" && (o.Kind != Retry || o.Destination == message.Destination) {
		t.Errorf("moved, and not to be sent elsewhere: %+v", o)
	}
	return o
}

// sound checks what must be true of every outcome of a call with a credential.
func sound(t *testing.T, o Outcome, credential string) {
	t.Helper()
	if o.Kind < Sent || o.Kind > Unknown {
		t.Errorf("no kind: %+v", o)
	}
	if paused := o.Kind == Paused && o.Scope == DestinationScope; (o.Scope != NoScope) != (o.Kind == Failed) && !paused {
		t.Errorf("a scope belongs to Failed, and to a pause of a destination: %+v", o)
	}
	if (o.Code == "") != (o.Kind == Sent) {
		t.Errorf("what is not Sent needs a code: %+v", o)
	}
	if o.After < 0 || o.After > 0 && (o.Kind == Sent || o.Kind == Failed) {
		t.Errorf("a wait that nobody waits for: %+v", o)
	}
	for text, limit := range map[string]int{o.Code: maxCode, o.MessageID: maxCode, o.Excerpt: MaxExcerpt} {
		if len(text) > limit || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("not fit to be recorded: %q", text)
		}
	}
	if o.Gone && o.Kind != Failed {
		t.Errorf("gone, and not Failed: %+v", o)
	}
	all := fmt.Sprintf("%+v", o)
	if strings.Contains(all, "SECRET") || strings.Contains(all, credential) {
		t.Errorf("the secret stands in %s", all)
	}
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A deadline is a context whose deadline passes when the test says so.
type deadline struct {
	context.Context
	passed chan struct{}
}

func newDeadline(t *testing.T) deadline {
	t.Helper()
	return deadline{t.Context(), make(chan struct{})}
}

func (d deadline) pass() { close(d.passed) }

func (d deadline) Done() <-chan struct{} { return d.passed }

func (d deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// write writes to a provider's answer, and says whether anybody still takes it.
func write(w http.ResponseWriter, text string) bool {
	_, err := io.WriteString(w, text)
	return err == nil && !errors.Is(http.NewResponseController(w).Flush(), net.ErrClosed)
}
