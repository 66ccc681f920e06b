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

// secret is the credential of every call. Its encodings for URLs, JSON and HTML differ.
const secret = "xoxb-SECRET/+%&<token>"

// noon is the time of every clock in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A sample is the test data of a messenger for the promises. It is defined in the
// messenger's own test file.
type sample struct {
	message   Message // its credential contains the word SECRET, and no other field does
	status    int     // the status with which sent means success; 0 means 200
	sent      string
	messageID string // the recorded message id
	evidence  string // the evidence of success, if it is not the body
	refused   string // an error body with that status; empty if the status alone decides
	// means are the statuses whose classification differs from reply.outcome, with a
	// body that has no details.
	means map[int]classification
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

// ok returns the status of success.
func (s sample) ok() int { return cmp.Or(s.status, http.StatusOK) }

// by returns the kind of a status with a body that has no details.
func (s sample) by(status int, kind OutcomeKind) OutcomeKind {
	if c, ok := s.means[status]; ok {
		return c.kind
	}
	return kind
}

// each runs promise over all messengers that use HTTP, with their provider at base.
func each(t *testing.T, base string, client *http.Client, promise func(t *testing.T, m Messenger, s sample)) {
	t.Helper()
	eachBy(t, endpoint(base, client), promise)
}

// eachBy runs promise over them with one endpoint.
func eachBy(t *testing.T, e Endpoint, promise func(t *testing.T, m Messenger, s sample)) {
	t.Helper()
	for _, m := range All(func(string) Endpoint { return e }) {
		name := m.Spec().Name
		if name == "email" {
			continue // it uses SMTP: smtp_session_test.go verifies the same
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

// endpoint returns the endpoint of a provider at base.
func endpoint(base string, client *http.Client) Endpoint {
	return Endpoint{Client: client, Now: func() time.Time { return noon }, URL: base}
}

// newClient returns a NewClient whose connections are closed when the test ends.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	c := NewClient(ClientConfig{AllowAll: true})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// provider starts a provider that responds to every call by answer.
func provider(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

// rawProvider starts a provider that handles raw connections.
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

// echo returns all parts of a request as a response body, with the credential in every
// encoding.
func echo(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	user, password, _ := r.BasicAuth()
	body, _ := io.ReadAll(r.Body)
	said := fmt.Sprintf("%s %s %s %s %s %s %s ", r.URL, r.RequestURI, r.URL.Query(), r.Header, body, user, password)
	return said + fmt.Sprintf("%s %s %s %q %s", token, url.QueryEscape(token), url.PathEscape(token), token, strings.ReplaceAll(token, "/", `\/`))
}

// send calls m and verifies the properties of every outcome.
func send(ctx context.Context, t *testing.T, m Messenger, message Message) Outcome {
	t.Helper()
	o := m.Send(ctx, message)
	sound(t, o, message.Credential)
	if o.Destination != "" && (o.Kind != Retry || o.Destination == message.Destination) {
		t.Errorf("unexpected Destination: %+v", o)
	}
	return o
}

// sound verifies the properties of every outcome of a call with a credential.
func sound(t *testing.T, o Outcome, credential string) {
	t.Helper()
	if o.Kind < Sent || o.Kind > Unknown {
		t.Errorf("no kind: %+v", o)
	}
	if paused := o.Kind == Paused && o.Scope == DestinationScope; (o.Scope != NoScope) != (o.Kind == Failed) && !paused {
		t.Errorf("scope without Failed or a pause of a destination: %+v", o)
	}
	if (o.Code == "") != (o.Kind == Sent) {
		t.Errorf("missing code: %+v", o)
	}
	if o.RetryAfter < 0 || o.RetryAfter > 0 && (o.Kind == Sent || o.Kind == Failed) {
		t.Errorf("After without a retry: %+v", o)
	}
	for text, limit := range map[string]int{o.Code: maxCode, o.MessageID: maxCode, o.Excerpt: MaxExcerpt} {
		if len(text) > limit || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("not recordable: %q", text)
		}
	}
	if o.Gone && o.Kind != Failed {
		t.Errorf("gone, and not Failed: %+v", o)
	}
	all := fmt.Sprintf("%+v", o)
	if strings.Contains(all, "SECRET") || strings.Contains(all, credential) {
		t.Errorf("secret in %s", all)
	}
}

// roundTrip is a transport by a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A deadline is a context whose deadline passes when the test decides.
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

// write writes to a response, and reports whether the client still reads it.
func write(w http.ResponseWriter, text string) bool {
	_, err := io.WriteString(w, text)
	return err == nil && !errors.Is(http.NewResponseController(w).Flush(), net.ErrClosed)
}
