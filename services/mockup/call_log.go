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

// The call log holds the last calls: at most maxCalls, and fewer if they would use more
// than about maxBytes of memory.
const (
	maxCalls = 1_000_000
	maxBytes = 1 << 30
)

// maxResponse is the number of bytes of a response that are recorded: enough for its ids.
const maxResponse = 1 << 10

// responseBytes is the approximate memory of a recorded response: most are short.
const responseBytes = 500

// A Call is one request to a fake, and its response.
type Call struct {
	Method       string   // SMTP for a mail
	Path         string   // of a mail, its recipient
	Query        string   // without the question mark
	Headers      []Header // sorted by name
	Body         string   // at most 256 KiB of it
	Time         time.Time
	AnswerStatus int // 0 before the response, and if the connection was closed without one

	AnswerHeaders []Header // sorted by name
	AnswerBody    string   // at most maxResponse bytes
}

// hasCredential reports whether a call contains a credential in its path, query or headers.
func (c *Call) hasCredential(credential string) bool {
	return strings.Contains(c.Path, credential) || strings.Contains(c.Query, credential) ||
		slices.ContainsFunc(c.Headers, func(h Header) bool { return strings.Contains(h.Value, credential) })
}

// A Header is one header of a Call. Multiple values are joined by ", ".
type Header struct{ Name, Value string }

// Calls returns the calls to path, the oldest first; an empty path returns all.
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

// Reset deletes all calls, all messages, all faults and the memory of the fakes; rate limits
// are no longer enforced.
func (m *Mockup) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls, m.messages, m.faults = callLog{}, messageLog{}, nil
	m.limited, m.limiters, m.stops, m.memory = false, nil, nil, nil
	m.incidents = nil
}

// recordRequest records and prints a request whose body was read.
func (m *Mockup) recordRequest(r *http.Request, body []byte) *Call {
	return m.recordCall(&Call{
		Method:  r.Method,
		Path:    validUTF8(r.URL.Path),
		Query:   validUTF8(r.URL.RawQuery),
		Headers: headers(r.Header),
		Body:    validUTF8(string(body[:min(len(body), maxBody)])),
		Time:    m.Now(),
	})
}

// recordCall records and prints a call.
func (m *Mockup) recordCall(c *Call) *Call {
	m.mu.Lock()
	m.calls.add(c)
	m.mu.Unlock()
	m.print(c)
	return c
}

// recordResponse records the response to a call, before it is sent.
func (m *Mockup) recordResponse(c *Call, a response) {
	var headers []Header
	for name, value := range a.headers {
		headers = append(headers, Header{name, validUTF8(value)})
	}
	slices.SortFunc(headers, compareByName)
	m.mu.Lock()
	defer m.mu.Unlock()
	c.AnswerStatus, c.AnswerHeaders, c.AnswerBody = a.status, headers, validUTF8(a.body[:min(len(a.body), maxResponse)])
}

func compareByName(a, b Header) int { return strings.Compare(a.Name, b.Name) }

// print prints a call, including tokens: that is the purpose of a mockup, and its
// tokens are as fake as its responses. Nothing else in Bongsu prints one.
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
	_, _ = io.WriteString(m.Printer, escapeControl(b.String())) // after a write error the call can still be listed
}

// A callLog is a queue of calls that drops the oldest when it is full.
type callLog struct {
	calls []*Call
	start int // number of dropped calls at the head
	bytes int
}

func (l *callLog) kept() []*Call { return l.calls[l.start:] }

func (l *callLog) add(c *Call) {
	l.calls = append(l.calls, c)
	l.bytes += c.size()
	for len(l.kept()) > maxCalls || l.bytes > maxBytes {
		l.bytes -= l.calls[l.start].size()
		l.calls[l.start] = nil
		l.start++
	}
	if l.start > len(l.calls)/2 { // amortizes the copy
		l.calls, l.start = slices.Clone(l.kept()), 0
	}
}

// size returns the approximate memory of a call, in bytes.
func (c *Call) size() int {
	n := 200 + responseBytes + len(c.Path) + len(c.Body)
	for _, h := range c.Headers {
		n += 40 + len(h.Name) + len(h.Value)
	}
	return n
}

func headers(from http.Header) []Header {
	to := make([]Header, 0, len(from))
	for name, values := range from {
		to = append(to, Header{name, validUTF8(strings.Join(values, ", "))})
	}
	slices.SortFunc(to, compareByName)
	return to
}

// validUTF8 returns s as valid UTF-8, as Protobuf strings require.
func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// escapeControl replaces control characters, which could manipulate the terminal.
func escapeControl(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return '\uFFFD'
		}
		return r
	}, s)
}
