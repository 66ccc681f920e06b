package main

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A fakeCall is a call that a fake provider has received.
type fakeCall struct{ Method, Path, Body string }

// fakeCalls returns the calls to the fake providers.
func (s *school) fakeCalls(t *testing.T) []fakeCall {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.mockup+"/bongsu.mockup.v1.MockupService/ListCalls", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(s.data, "internal.key")) // the mockup serves it to the processes of the deployment only
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Calls []fakeCall }
	response{res.StatusCode, res.Header, string(text)}.decode(t, &out)
	return out.Calls
}

// shortMessages returns the short messages to a phone.
func (s *school) shortMessages(t *testing.T, phone string) (texts []string) {
	t.Helper()
	for _, c := range s.fakeCalls(t) {
		form, err := url.ParseQuery(c.Body)
		if err == nil && strings.HasSuffix(c.Path, "/Messages.json") && form.Get("To") == phone {
			texts = append(texts, form.Get("Body"))
		}
	}
	return texts
}

// mails returns the texts of the mails to an address.
func (s *school) mails(t *testing.T, address string) (texts []string) {
	t.Helper()
	for _, c := range s.fakeCalls(t) {
		if c.Method == "SMTP" && c.Path == address {
			texts = append(texts, mailText(t, c.Body))
		}
	}
	return texts
}

// mailText returns the plain text of a mail.
func mailText(t *testing.T, source string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	body, coding := m.Body, m.Header.Get("Content-Transfer-Encoding")
	if strings.HasPrefix(kind, "multipart/") { // the first alternative is plain text
		part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, coding = part, part.Header.Get("Content-Transfer-Encoding")
	}
	switch strings.ToLower(coding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inbox returns the texts of the inbox of a person, each with its link.
func (s *school) inbox(t *testing.T, who string) (texts []string) {
	t.Helper()
	var out struct{ Items []struct{ Text, Link string } }
	s.call(t, who, http.MethodGet, "/v1/inbox", "", http.StatusOK, &out)
	for _, item := range out.Items {
		texts = append(texts, item.Text+" "+item.Link)
	}
	return texts
}

// awaitText waits until a text has all parts, and returns it.
func awaitText(t *testing.T, what string, texts func() []string, parts ...string) (found string) {
	t.Helper()
	eventually(t, what+" has "+strings.Join(parts, " and "), func() bool {
		for _, text := range texts() {
			if hasAll(text, parts) {
				found = text
				return true
			}
		}
		return false
	})
	return found
}

func hasAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// awaitSMS waits for a short message to the mother.
func (s *school) awaitSMS(t *testing.T, parts ...string) string {
	t.Helper()
	return awaitText(t, "the phone of the mother", func() []string { return s.shortMessages(t, "+821022220001") }, parts...)
}

func (s *school) awaitMail(t *testing.T, address string, parts ...string) string {
	t.Helper()
	return awaitText(t, "the mailbox "+address, func() []string { return s.mails(t, address) }, parts...)
}

func (s *school) awaitInbox(t *testing.T, who string, parts ...string) string {
	t.Helper()
	return awaitText(t, "the inbox of "+who, func() []string { return s.inbox(t, who) }, parts...)
}

var linkPattern = regexp.MustCompile(`/outing-links/([A-Z0-9]+)`)

// linkOf returns the link by which a person decides from a message.
func linkOf(t *testing.T, text string) string {
	t.Helper()
	found := linkPattern.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no link in %q", text)
	}
	return "/v1/school/outing-links/" + found[1]
}
