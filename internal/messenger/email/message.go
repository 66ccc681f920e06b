package email

import (
	"bytes"
	"fmt"
	"html/template"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// subjectLimit is the length of a subject, in characters, that hardly any client shows
// in full. It also keeps the encoded lines far below the 998 octets of RFC 5322.
const subjectLimit = 150

// encode returns the message as mail, and the reference by which later ones of its incident
// follow it; its id is the Message-ID. The id is the same on every retry, since it depends on
// the delivery, or those of a digest, only. One of the incident instead would be the same for a
// second mail whose first was not confirmed, and some systems drop mail with a known Message-ID.
func encode(m messenger.Message, r relay, now time.Time) (content []byte, id string, thread reference, err error) {
	_, domain, _ := strings.Cut(r.from.Address, "@")
	// The time distinguishes equal delivery ids of several installations, or of one
	// before and after a loss of its data.
	id = fmt.Sprintf("%s.%d@%s", strings.Replace(m.IdempotencyHandle(), "-", ".", 1), max(m.Time.Unix(), 0), domain)
	thread, follows := parseReference(m.Previous)
	if !follows {
		thread = newReference(id, subjectOf(m))
	}

	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(r.from)
	msg.ToMailAddress(&netmail.Address{Address: m.Destination})
	msg.Subject(thread.subject)
	if follows { // RFC 5322, 3.6.4
		msg.SetGenHeader(mail.HeaderInReplyTo, "<"+thread.id+">")
		msg.SetGenHeader(mail.HeaderReferences, "<"+thread.id+">")
	}
	msg.SetMessageIDWithValue(id)
	msg.SetDateWithValue(now)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: suppresses vacation notices
	msg.SetBodyString(mail.TypeTextPlain, m.PlainText()+m.AckLine())
	if !m.IsPlain() || m.AckLink() != "" {
		var page bytes.Buffer
		if err := pageTemplate.Execute(&page, m); err != nil {
			return nil, "", reference{}, err
		}
		msg.AddAlternativeString(mail.TypeTextHTML, page.String())
	}
	var b bytes.Buffer
	_, err = msg.WriteTo(&b)
	return b.Bytes(), id, thread, err
}

// subjectOf returns the message in one line.
func subjectOf(m messenger.Message) string {
	line, _, _ := strings.Cut(strings.TrimSpace(m.Text), "\n")
	if m.Title != "" {
		line = "[" + m.Severity + "] " + m.Title
	}
	line, _ = messenger.Truncate(call.OneLine(strings.TrimSpace(line)), subjectLimit, utf8.RuneCountInString)
	return line
}

// pageTemplate is the HTML form of a message.
var pageTemplate = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html>
<body style="font-family: sans-serif">
{{with .Title}}<h2>{{.}}</h2>
{{end}}<p style="white-space: pre-wrap">{{.Text}}</p>
{{with .Details}}<table>
{{range .}}<tr><th align="left">{{.Name}}</th><td>{{.Value}}</td></tr>
{{end}}</table>
{{end}}{{with .Link}}<p><a href="{{.}}">{{.}}</a></p>
{{end}}{{with .AckLink}}<p><a href="{{.}}">Acknowledge</a></p>
{{end}}</body>
</html>
`))
