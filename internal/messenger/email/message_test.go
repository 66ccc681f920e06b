package email

import (
	"cmp"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// boundary matches the MIME boundary: random, so that no text can contain it.
var boundary = regexp.MustCompile(`[0-9a-f]{60}`)

// mailOf returns a message as mail.
func mailOf(t *testing.T, m messenger.Message) string {
	t.Helper()
	r, err := parseRelay(testCredential)
	if err != nil {
		t.Fatal(err)
	}
	content, _, _, err := encode(m, r, messengertest.Noon)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEmailContent(t *testing.T) {
	for name, m := range map[string]messenger.Message{"plain": messengertest.PlainMessage(testCredential, "ops@example.com"), "full": messengertest.FullMessage(testCredential, "ops@example.com")} {
		lines := strings.ReplaceAll(mailOf(t, m), "\r\n", "\n") // TestEmailForm verifies line ends
		messengertest.Golden(t, "email/"+name, boundary.ReplaceAll([]byte(lines), []byte("BOUNDARY")))
	}
}

// TestEmailForm verifies the properties of every mail, whatever the alert contains.
func TestEmailForm(t *testing.T) {
	long := strings.Repeat("장애", 5000)
	for name, m := range map[string]messenger.Message{
		"lines in the title": {Severity: "high", Title: "a\r\nBcc: everybody@example.com\r\n\r\nbody", Text: "[high] x"},
		"lines in the word":  {Severity: "high\r\nBcc: everybody@example.com", Title: "a", Text: "x"},
		"lines in the text":  {Text: "[high] a\r\nBcc: everybody@example.com\n.\r\nQUIT"},
		"carriage returns":   {Text: "[high] a\rBcc: everybody@example.com"},
		"long":               {Text: long, Title: long, Severity: "low"},
		"long, without gaps": {Text: strings.Repeat("x", 5000), Title: strings.Repeat("x", 5000), Severity: "low"},
		"details":            {Text: "x", Details: []messenger.Detail{{Name: "a\r\nBcc: b@example.com", Value: "<script>alert(1)</script>"}}, Link: "javascript:alert(1)"},
	} {
		t.Run(name, func(t *testing.T) {
			m.Destination = "ops@example.com"
			content := mailOf(t, m)
			for line := range strings.SplitSeq(content, "\r\n") {
				if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
					t.Errorf("a line of %d octets: %.80q", len(line), line)
				}
			}
			got, err := mail.ReadMessage(strings.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if got.Header.Get("Bcc") != "" || len(got.Header["To"]) != 1 || got.Header.Get("To") != "<ops@example.com>" {
				t.Errorf("%v", got.Header)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
			if n := len([]rune(subject)); err != nil || n == 0 || n > subjectLimit || strings.ContainsAny(subject, "\r\n") {
				t.Errorf("subject of %d: %q, %v", n, subject, err)
			}
			body, err := io.ReadAll(got.Body)
			_, page, _ := strings.Cut(string(body), "text/html")
			if err != nil || (page == "") != m.IsPlain() || strings.Contains(page, "<script>") || strings.Contains(page, `href=3D"javascript:`) {
				t.Errorf("%s, %v", body, err)
			}
		})
	}
}

func TestSubject(t *testing.T) {
	for want, m := range map[string]messenger.Message{
		"[high] db1 is full": {Text: "[high] db1 is full\nsince noon", Severity: "high"},
		"[high] Disk":        {Text: "whatever a template says", Title: "Disk", Severity: "high"},
		"[x] " + strings.Repeat("봉", 145) + "…": {Text: "[x] " + strings.Repeat("봉", 200)},
		"first": {Text: "\n\n first \nsecond"},
	} {
		if got := subjectOf(m); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestMessageID verifies that the Message-ID is the same on every retry, and differs
// for another delivery.
func TestMessageID(t *testing.T) {
	r, err := parseRelay(testCredential)
	if err != nil {
		t.Fatal(err)
	}
	id := func(m messenger.Message, now time.Time) string {
		_, id, _, err := encode(m, r, now)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := id(testMessage, messengertest.Noon)
	if again := id(testMessage, messengertest.Noon.Add(time.Hour)); again != first {
		t.Errorf("%s, and then %s", first, again)
	}
	other, elsewhere := testMessage, testMessage
	other.DeliveryID, elsewhere.Time = 8, messengertest.Noon.Add(time.Minute)
	if a, b := id(other, messengertest.Noon), id(elsewhere, messengertest.Noon); a == first || b == first || a == b {
		t.Errorf("%s, %s, %s", first, a, b)
	}
}

// TestEmailIncident verifies the mails of an incident at the fake: the later ones are replies
// to the first, with its subject, and all have one reference.
func TestEmailIncident(t *testing.T) {
	s := &scripted{}
	to := at(relayOf(t, s))
	first := ""
	for i, m := range messengertest.IncidentMessages(testCredential, "ops@example.com") {
		m.Title = fmt.Sprintf("디스크 %d", i) // changes
		m.Previous = first
		o := messengertest.Send(t.Context(), t, to, m)
		if first = cmp.Or(first, o.Reference); o.Kind != messenger.Sent || o.Reference == "" || o.Reference != first {
			t.Fatalf("%+v after %q", o, first)
		}
		lines := strings.ReplaceAll(s.mails[i], "\r\n", "\n")
		messengertest.Golden(t, fmt.Sprintf("email/incident_%d_%s", i, m.Status()), boundary.ReplaceAll([]byte(lines), []byte("BOUNDARY")))
		got, err := mail.ReadMessage(strings.NewReader(s.mails[i]))
		if err != nil {
			t.Fatal(err)
		}
		id, replies := "<bongsu.7.1772366400@example.com>", ""
		if i > 0 {
			replies = id
			id = fmt.Sprintf("<bongsu.%d.1772366400@example.com>", m.DeliveryID)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil || subject != "[critical] 디스크 0" || got.Header.Get("Message-Id") != id || got.Header.Get("In-Reply-To") != replies || got.Header.Get("References") != replies {
			t.Errorf("%d: subject %q, %v, %v", i, subject, err, got.Header)
		}
	}
}

// TestReference verifies that a reference is kept within its limit, and that another text is
// none, so that it adds no header.
func TestReference(t *testing.T) {
	r := newReference("bongsu.7.1@example.com", strings.Repeat("봉", 150))
	if got, ok := parseReference(r.String()); !ok || got != r || len(r.String()) > messenger.MaxReference || utf8.RuneCountInString(r.subject) < 148 {
		t.Errorf("%q, %v", got, ok)
	}
	long := newReference(strings.Repeat("a", 200)+"@example.com", strings.Repeat("봉", 150))
	if got, ok := parseReference(long.String()); !ok || got != long || !utf8.ValidString(long.subject) || !strings.HasSuffix(long.subject, "…") {
		t.Errorf("%q, %v", got, ok)
	}
	for _, text := range []string{
		"", "bongsu.7.1@example.com", "bongsu.7.1@example.com ", "bongsu.7.1 subject", "<bongsu.7.1@example.com> subject", "a@b\r\nBcc:c@d subject",
		"a@b subject\r\nBcc: c@d", "C123/1700.1", strings.Repeat("a", 500) + "@b subject",
	} {
		if got, ok := parseReference(text); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestEmailSettings(t *testing.T) {
	spec := Messenger{}.Spec()
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		testCredential: true, "smtp://relay.example?from=a@example.com": true, "smtps://u:p@relay.example/?from=Bongsu+%3Ca@example.com%3E": true,
		"smtp://u:p@[2001:db8::1]:2525?from=a@example.com": true, "smtp://127.0.0.1:25?tls=off&from=a@example.com": true, "smtp://localhost?tls=off&from=a@example.com": true,
		"": false, "smtp://u:p@relay.example": false, "smtp://u:p@relay.example?from=": false, "smtp://u:p@relay.example?from=nobody": false,
		"smtp://u@relay.example?from=a@example.com": false, "smtp://:p@relay.example?from=a@example.com": false, "smtp://u:p%00q@relay.example?from=a@example.com": false,
		"https://relay.example?from=a@example.com": false, "smtp:relay.example?from=a@example.com": false, "smtp://?from=a@example.com": false,
		"smtp://relay.example/x?from=a@example.com": false, "smtp://relay.example?from=a@example.com#x": false, "smtp://relay.example?from=a@example.com&x=1": false,
		"smtp://u:p@relay.example?tls=off&from=a@example.com": false, "smtp://relay.example?tls=on&from=a@example.com": false,
		"smtps://127.0.0.1?tls=off&from=a@example.com": false, "smtp://u:p@relay.example:port?from=a@example.com": false, "smtp://relay.example?from=봉수@example.com": false,
	})
	if err := spec.Credential.Validate("smtp://u:p@relay.example?tls=off&from=a@example.com", true); err != nil {
		t.Errorf("with http allowed: %v", err)
	}
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{
		"ops@example.com": true, "ops+db@mail.example.com": true,
		"": false, "nobody": false, "nobody@": false, "Ops <db@example.com>": false, "a@example.com, b@example.com": false, "a@example.com\r\nx": false,
		"봉수@example.com": false, "<db@example.com>": false, `"a b"@example.com`: false, strings.Repeat("x", 250) + "@example.com": false,
	})
}

// TestRelayPorts verifies the default ports, those of RFC 6409 and RFC 8314.
func TestRelayPorts(t *testing.T) {
	for credential, want := range map[string]string{
		"smtp://r?from=a@b.example": "r:587", "smtps://r?from=a@b.example": "r:465", "smtp://[::1]:25?from=a@b.example": "[::1]:25",
	} {
		if r, err := parseRelay(credential); err != nil || r.Address() != want {
			t.Errorf("%s: %s, %v", credential, r.Address(), err)
		}
	}
}
