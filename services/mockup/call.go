package mockup

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// The record keeps the last calls: at most maxCalls, and fewer where they would
// take more than about maxBytes of memory.
const (
	maxCalls = 1_000_000
	maxBytes = 1 << 30
)

// maxAnswer is how many bytes of an answer are recorded: enough for the ids in it.
const maxAnswer = 1 << 10

// answerBytes is about how much memory a recorded answer takes: most are short.
const answerBytes = 500

// A Call is one request that a fake got, and what it answered.
type Call struct {
	Method       string   // SMTP for a mail
	Path         string   // of a mail, its recipient
	Query        string   // what follows the question mark
	Headers      []Header // by name
	Body         string   // at most 256 KiB of it
	Time         time.Time
	AnswerStatus int // 0 until it is answered, and for good where the connection was closed

	AnswerHeaders []Header // by name
	AnswerBody    string   // at most maxAnswer of it
}

// bears says whether a call bears a credential, in its path, query or headers.
func (c *Call) bears(credential string) bool {
	return strings.Contains(c.Path, credential) || strings.Contains(c.Query, credential) ||
		slices.ContainsFunc(c.Headers, func(h Header) bool { return strings.Contains(h.Value, credential) })
}

// A Header is one header of a Call. Several values are joined by ", ".
type Header struct{ Name, Value string }

// Calls answers with the calls to path, the oldest first; an empty path asks for
// all.
func (m *Mockup) Calls(path string) []Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := make([]Call, 0, len(m.calls.kept()))
	for _, c := range m.calls.kept() {
		if path == "" || path == c.Path {
			calls = append(calls, *c)
		}
	}
	return calls
}

// Reset forgets all calls, all faults and what the fakes remember; limits are no
// longer kept.
func (m *Mockup) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls, m.faults = record{}, nil
	m.limited, m.limiters, m.stops, m.memory = false, nil, nil, nil
}

// got records and prints a call that has been read.
func (m *Mockup) got(r *http.Request, body []byte) *Call {
	return m.keep(&Call{
		Method:  r.Method,
		Path:    text(r.URL.Path),
		Query:   text(r.URL.RawQuery),
		Headers: headers(r.Header),
		Body:    text(string(body[:min(len(body), maxBody)])),
		Time:    m.Now(),
	})
}

// keep records and prints a call.
func (m *Mockup) keep(c *Call) *Call {
	m.mu.Lock()
	m.calls.add(c)
	m.mu.Unlock()
	m.print(c)
	return c
}

// answered records the answer that a call is about to get.
func (m *Mockup) answered(c *Call, a answer) {
	var headers []Header
	for name, value := range a.headers {
		headers = append(headers, Header{name, text(value)})
	}
	slices.SortFunc(headers, byName)
	m.mu.Lock()
	defer m.mu.Unlock()
	c.AnswerStatus, c.AnswerHeaders, c.AnswerBody = a.status, headers, text(a.body[:min(len(a.body), maxAnswer)])
}

func byName(a, b Header) int { return strings.Compare(a.Name, b.Name) }

// print shows a call, tokens included: that is what a mockup is for, and the
// tokens it is given are as fake as its answers. Nothing else in Bongsu prints
// one.
func (m *Mockup) print(c *Call) {
	if m.Printer == nil {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", c.Method, c.Path)
	for _, name := range [...]string{"Content-Type", "Authorization"} {
		if i := slices.IndexFunc(c.Headers, func(h Header) bool { return h.Name == name }); i >= 0 {
			fmt.Fprintf(&b, "%s: %s\n", name, c.Headers[i].Value)
		}
	}
	fmt.Fprintf(&b, "\n%s\n\n", c.Body)
	m.printing.Lock()
	defer m.printing.Unlock()
	_, _ = io.WriteString(m.Printer, harmless(b.String())) // who cannot be shown it can still list it
}

// A record is a queue of calls that drops the oldest when it is full.
type record struct {
	calls []*Call
	start int // how many of calls are dropped already
	bytes int
}

func (r *record) kept() []*Call { return r.calls[r.start:] }

func (r *record) add(c *Call) {
	r.calls = append(r.calls, c)
	r.bytes += c.size()
	for len(r.kept()) > maxCalls || r.bytes > maxBytes {
		r.bytes -= r.calls[r.start].size()
		r.calls[r.start] = nil
		r.start++
	}
	if r.start > len(r.calls)/2 { // seldom enough to cost nothing
		r.calls, r.start = slices.Clone(r.kept()), 0
	}
}

// size is about how much memory a call takes.
func (c *Call) size() int {
	n := 200 + answerBytes + len(c.Path) + len(c.Body)
	for _, h := range c.Headers {
		n += 40 + len(h.Name) + len(h.Value)
	}
	return n
}

func headers(from http.Header) []Header {
	to := make([]Header, 0, len(from))
	for name, values := range from {
		to = append(to, Header{name, text(strings.Join(values, ", "))})
	}
	slices.SortFunc(to, byName)
	return to
}

// text makes what came over the wire fit for a Protobuf string.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// harmless keeps what a stranger sent from steering the terminal.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return '\uFFFD'
		}
		return r
	}, s)
}
