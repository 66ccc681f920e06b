package messenger

import (
	"bytes"
	"fmt"
	"html/template"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"
)

// subjectLimit is how many characters of a subject are shown almost nowhere. It
// also keeps its lines, encoded, far below the 998 octets of RFC 5322.
const subjectLimit = 150

// mail writes the message as mail. id is its Message-ID, without angle brackets:
// the same on every retry, since it is made of what does not change.
func (m Message) mail(r relay, now time.Time) (content []byte, id string, err error) {
	_, domain, _ := strings.Cut(r.from.Address, "@")
	// The time keeps apart what installations, or one before and after its data were
	// lost, call by the same number: mail that looks seen before is dropped by some.
	id = fmt.Sprintf("bongsu.%d.%d@%s", m.DeliveryID, max(m.Time.Unix(), 0), domain)

	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(r.from)
	msg.ToMailAddress(&netmail.Address{Address: m.Destination})
	msg.Subject(m.subject())
	msg.SetMessageIDWithValue(id)
	msg.SetDateWithValue(now)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation notice answers it
	msg.SetBodyString(mail.TypeTextPlain, m.Full())
	if !m.Plain() {
		var page bytes.Buffer
		if err := mailPage.Execute(&page, m); err != nil {
			return nil, "", err
		}
		msg.AddAlternativeString(mail.TypeTextHTML, page.String())
	}
	var b bytes.Buffer
	_, err = msg.WriteTo(&b)
	return b.Bytes(), id, err
}

// subject is the message in one line.
func (m Message) subject() string {
	line, _, _ := strings.Cut(strings.TrimSpace(m.Text), "\n")
	if m.Title != "" {
		line = "[" + m.Severity + "] " + m.Title
	}
	line, _ = fit(visible(strings.TrimSpace(line)), subjectLimit, utf8.RuneCountInString)
	return line
}

// mailPage is the HTML form of a message.
var mailPage = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html>
<body style="font-family: sans-serif">
{{with .Title}}<h2>{{.}}</h2>
{{end}}<p style="white-space: pre-wrap">{{.Text}}</p>
{{with .Details}}<table>
{{range .}}<tr><th align="left">{{.Name}}</th><td>{{.Value}}</td></tr>
{{end}}</table>
{{end}}{{with .Link}}<p><a href="{{.}}">{{.}}</a></p>
{{end}}</body>
</html>
`))
