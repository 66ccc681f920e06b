package httpx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A requestData is what the templates of one request read. The texts of the alert are
// methods: they note whether the request has a text that was cut.
type requestData struct {
	Param          map[string]string
	Severity       string
	Key            string // alert key; empty if absent
	Status         string // firing, acknowledged or resolved, with an alert key
	Incident       string // the same for all alerts of an incident; empty if absent
	Link           string
	Destination    string
	DeliveryID     string
	IdempotencyKey string // the same for every attempt of a delivery
	Time           string // of the alert, in RFC 3339

	Method     string
	Seconds    string // time of the call, since 1970
	Millis     string
	RequestURI string // path and query; in the body, the signature and the headers
	Body       string // in the signature and the headers
	Signature  string // in the headers

	AckURL string // link to acknowledge the incident; empty if absent

	message messenger.Message
	text    Text
	costly  bool
	cut     bool
}

const (
	// defaultTextLimit is the default length of a text, in characters.
	defaultTextLimit = 4_000
	// maxTextLimit is the maximum length of a text.
	maxTextLimit = 30_000
	// maxTextJSON is the size of a text as JSON, in bytes, so that a body with two texts
	// fits into a template's output.
	maxTextJSON = 30_000
)

func newRequestData(m messenger.Message, r *request, params map[string]string) *requestData {
	incident := ""
	if m.Incident != 0 {
		incident = strconv.FormatInt(m.Incident, 10)
	}
	return &requestData{
		Param:          params,
		Severity:       m.Severity,
		Key:            job.DisplayKey(m.AlertKey),
		Status:         m.Status(),
		Incident:       incident,
		Link:           m.Link,
		Destination:    m.Destination,
		DeliveryID:     strconv.FormatInt(m.DeliveryID, 10),
		IdempotencyKey: m.IdempotencyHandle(),
		Time:           m.Time.UTC().Format(time.RFC3339),
		Method:         r.method,
		AckURL:         m.AckLink(),
		message:        m,
		text:           r.of.Text,
		costly:         r.costly,
	}
}

// Text returns the text of the alert.
func (d *requestData) Text() string { return d.fit(d.message.Text, "") }

// PlainText returns the text with title, details and link, and with the link to acknowledge
// unless the length of a message costs money.
func (d *requestData) PlainText() string {
	if d.costly {
		return d.fit(d.message.PlainText(), "")
	}
	return d.fit(d.message.PlainText(), d.message.AckLine())
}

// Title returns the title of the alert.
func (d *requestData) Title() string { return d.fit(d.message.Title, "") }

// Details returns the details that fit into the length of a text.
func (d *requestData) Details() []messenger.Detail {
	left := min(d.text.limit(), maxTextJSON/2)
	var all []messenger.Detail
	for _, detail := range d.message.Details {
		if left -= len(detail.Name) + len(detail.Value); left < 0 {
			d.cut = true
			break
		}
		all = append(all, messenger.Detail{Name: d.text.escape(detail.Name), Value: d.text.escape(detail.Value)})
	}
	return all
}

// fit cuts and escapes a text before its end, which is dropped if it is too long.
func (d *requestData) fit(text, end string) string {
	if 2*d.text.size(end) > d.text.limit() || jsonSize(end) > maxTextJSON/2 {
		end, d.cut = "", true
	}
	fitted, cut := messenger.Truncate(text, d.text.limit()-d.text.size(end), d.text.size)
	fitted, more := messenger.Truncate(fitted, maxTextJSON-jsonSize(end), jsonSize)
	d.cut = d.cut || cut || more
	return d.text.escape(fitted + end)
}

func (t Text) check() error {
	switch {
	case t.Limit < 0 || t.Limit > maxTextLimit:
		return fmt.Errorf("text: limit must be at most %d", maxTextLimit)
	case t.Unit != "" && t.Unit != "characters" && t.Unit != "bytes":
		return errors.New("text: unit must be characters or bytes")
	case strings.ContainsFunc(t.Escape, func(r rune) bool { return r >= utf8.RuneSelf || !unicode.IsPunct(r) && !unicode.IsSymbol(r) }):
		return errors.New("text: escape must have punctuation of ASCII only")
	}
	return nil
}

func (t Text) limit() int {
	if t.Limit == 0 {
		return defaultTextLimit
	}
	return t.Limit
}

// size returns the length of a text after its escapes. An escape within a URL counts,
// although it is not made.
func (t Text) size(s string) int {
	n := utf8.RuneCountInString(s)
	if t.Unit == "bytes" {
		n = len(s)
	}
	if t.Escape == "" {
		return n
	}
	for _, r := range s {
		if strings.ContainsRune(t.Escape, r) {
			n++
		}
	}
	return n
}

// escape puts a backslash before the characters of Escape. URLs stay as they are, or they
// would lead elsewhere.
func (t Text) escape(s string) string {
	if !strings.ContainsAny(s, t.Escape) {
		return s
	}
	var b strings.Builder
	for rest := s; rest != ""; {
		word, space := rest, ""
		if i := strings.IndexFunc(rest, unicode.IsSpace); i >= 0 {
			_, size := utf8.DecodeRuneInString(rest[i:])
			word, space = rest[:i], rest[i:i+size]
		}
		rest = rest[len(word)+len(space):]
		if !strings.HasPrefix(word, "https://") && !strings.HasPrefix(word, "http://") {
			for _, r := range word {
				if strings.ContainsRune(t.Escape, r) {
					b.WriteByte('\\')
				}
				b.WriteRune(r)
			}
			word = ""
		}
		b.WriteString(word + space)
	}
	return b.String()
}

// jsonSize returns an upper bound of the size as JSON, in bytes.
func jsonSize(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r == '"', r == '\\', r == '\n', r == '\r', r == '\t':
			n += 2
		case r < ' ', r == '\u2028', r == '\u2029', r == utf8.RuneError, r == 0x7f:
			n += 6
		default:
			n += utf8.RuneLen(r)
		}
	}
	return n
}
