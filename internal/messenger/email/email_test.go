package email

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/kit/redact"
)

// The promises of messengertest.Run, for mail.

func TestEmailSent(t *testing.T) {
	s := &scripted{}
	o := messengertest.Send(t.Context(), t, at(relayOf(t, s)), testMessage)
	want := messenger.Outcome{Kind: messenger.Sent, Status: 250, MessageID: "bongsu.7.1772366400@example.com", Excerpt: "250 2.0.0 Ok: queued as 4F2C1"}
	if o != want {
		t.Errorf("%+v, want %+v", o, want)
	}
	if len(s.mails) != 1 || !strings.Contains(s.mails[0], "\r\n[normal] node1 down") {
		t.Errorf("mails %q", s.mails)
	}
	commands := strings.Split(s.commands(), "\n")
	for i, begins := range []string{"EHLO [127.0.0.1]", "AUTH PLAIN AGJvbmdzdQBTRUNSRVQvKyV3b3Jk", "MAIL FROM:<bongsu@example.com>", "RCPT TO:<ops@example.com>", "DATA"} {
		if !strings.HasPrefix(commands[i], begins) {
			t.Errorf("command %d is %q, want %q", i, commands[i], begins)
		}
	}
}

// TestEmailRefusals verifies the outcome of each code in reply to each command. Every
// reply contains a secret.
func TestEmailRefusals(t *testing.T) {
	failed := func(scope messenger.Scope) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope}
	}
	retry, paused := messenger.Outcome{Kind: messenger.Retry}, messenger.Outcome{Kind: messenger.Paused}
	type row struct {
		command, reply string
		want           messenger.Outcome // without Status, Code and Excerpt
		code           string
	}
	rows := []row{
		{"", "554 5.3.2 no service", failed(messenger.CredentialScope), "5.3.2"},
		{"", "421 busy", retry, "smtp_421"},
		{"EHLO", "550 who are you", failed(messenger.CredentialScope), "smtp_550"},
		{"AUTH", "535 5.7.8 bad", failed(messenger.CredentialScope), "5.7.8"},
		{"AUTH", "534 5.7.9 too weak", failed(messenger.CredentialScope), "5.7.9"},
		{"AUTH", "504 unknown", failed(messenger.CredentialScope), "smtp_504"},
		{"AUTH", "454 4.7.0 Temporary authentication failure", retry, "4.7.0"},
		{"AUTH", "454 Throttling failure: Maximum sending rate exceeded", paused, "smtp_454"},
		{"MAIL", "530 5.7.0 log in", failed(messenger.CredentialScope), "5.7.0"},
		{"MAIL", "553 5.7.1 not your address", failed(messenger.CredentialScope), "5.7.1"},
		{"MAIL", "552 5.3.4 too large", failed(messenger.MessageScope), "5.3.4"},
		{"MAIL", "451 4.3.0 later", retry, "4.3.0"},
		{"MAIL", "454 Throttling failure: Daily message quota exceeded", paused, "smtp_454"},
		{"RCPT", "garbage", retry, "connection_error"}, // not an SMTP reply
		{"RCPT", "550-5.1.1 no\r\n550 5.1.1 such user", failed(messenger.DestinationScope), "5.1.1"},
		{"RCPT", "550 no", failed(messenger.DestinationScope), "smtp_550"},
		{"RCPT", "551 no", failed(messenger.DestinationScope), "smtp_551"},
		{"RCPT", "552 5.2.2 full", failed(messenger.DestinationScope), "5.2.2"},
		{"RCPT", "553 no", failed(messenger.DestinationScope), "smtp_553"},
		{"RCPT", "554 5.7.1 no relaying", failed(messenger.DestinationScope), "5.7.1"},
		{"RCPT", "530 5.7.0 log in", failed(messenger.CredentialScope), "5.7.0"},
		{"RCPT", "450 4.2.0 greylisted", retry, "4.2.0"},
		{"RCPT", "451 later", retry, "smtp_451"},
		{"RCPT", "452 4.2.2 full", retry, "4.2.2"},
		{"RCPT", "421 4.3.2 closing", retry, "4.3.2"},
		{"RCPT", "454 slow down", paused, "smtp_454"},
		{"RCPT", "354 what", retry, "smtp_354"},
		{"DATA", "554 no", failed(messenger.MessageScope), "smtp_554"},
		{"DATA", "451 later", retry, "smtp_451"},
		{"DATA", "250 what", retry, "smtp_250"},
		{".", "554 5.7.1 spam", failed(messenger.MessageScope), "5.7.1"},
		{".", "552 too large", failed(messenger.MessageScope), "smtp_552"},
		{".", "550 5.1.1 no such user", failed(messenger.DestinationScope), "5.1.1"},
		{".", "550 5.2.1 mailbox disabled", failed(messenger.DestinationScope), "5.2.1"},
		{".", "550 5.6.0 odd", failed(messenger.MessageScope), "5.6.0"},
		{".", "535 5.7.8 bad", failed(messenger.CredentialScope), "5.7.8"},
		{".", "421 closing", retry, "smtp_421"},
		{".", "452 no room", retry, "smtp_452"},
		{".", "454 Throttling failure: Maximum sending rate exceeded", paused, "smtp_454"},
		{".", "251 what", messenger.Outcome{Kind: messenger.Unknown}, "smtp_251"},
		{".", "354 what", messenger.Outcome{Kind: messenger.Unknown}, "smtp_354"},
		{".", "garbage", messenger.Outcome{Kind: messenger.Unknown}, "connection_lost"},
	}
	for _, c := range rows {
		t.Run(c.command+" "+c.reply, func(t *testing.T) {
			reply := c.reply + " SECRET/+%word AGJvbmdzdQBTRUNSRVQvKyV3b3Jk"
			replies := script{c.command: reply}
			if c.command == "EHLO" {
				replies["HELO"] = reply // the fallback of the client
			}
			addr := relayOf(t, &scripted{script: replies})
			o := messengertest.Send(t.Context(), t, at(addr), testMessage)
			if o.Kind != c.want.Kind || o.Scope != c.want.Scope || o.Code != c.code || o.MessageID != "" {
				t.Errorf("%+v, want %+v %s", o, c.want, c.code)
			}
			if answered := !strings.HasPrefix(c.code, "connection"); answered != (o.Status > 0) || answered && !strings.Contains(o.Excerpt, redact.Placeholder) {
				t.Errorf("%+v", o)
			}
			if strings.Contains(o.Excerpt, "AGJvbmdzdQ") {
				t.Errorf("the secret as AUTH writes it: %+v", o)
			}
		})
	}
}

// TestEmailBroken closes the connection at each command, and ends the context of the
// call there.
func TestEmailBroken(t *testing.T) {
	for _, command := range []string{"", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		want, code := messenger.Retry, "connection_error"
		if command == "." {
			want, code = messenger.Unknown, "connection_lost"
		}
		t.Run("closed at "+command, func(t *testing.T) {
			addr := relayOf(t, &scripted{script: script{command: hangUp}})
			if o := messengertest.Send(t.Context(), t, at(addr), testMessage); o.Kind != want || o.Code != code || o.Status != 0 {
				t.Errorf("%+v", o)
			}
		})
		t.Run("endless at "+command, func(t *testing.T) {
			addr := relayOf(t, &scripted{script: script{command: endless}})
			if o := messengertest.Send(t.Context(), t, at(addr), testMessage); o.Kind != want || o.Code != code {
				t.Errorf("%+v", o)
			}
		})
		t.Run("silent at "+command, func(t *testing.T) {
			s := &scripted{script: script{command: hang}}
			m := at(relayOf(t, s))
			late := messengertest.NewDeadline(t)
			go func() {
				<-s.hung
				late.Pass()
			}()
			if o := messengertest.Send(late, t, m, testMessage); o.Kind != want || o.Code != "timeout" {
				t.Errorf("deadline: %+v", o)
			}
			stopping, stop := context.WithCancelCause(t.Context())
			go func() {
				<-s.hung
				stop(errors.New("the process ends"))
			}()
			if o := messengertest.Send(stopping, t, m, testMessage); o.Kind != want || o.Code != "canceled" {
				t.Errorf("canceled: %+v", o)
			}
		})
	}
}

func TestEmailWithoutRelay(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if o := messengertest.Send(t.Context(), t, at(listener.Addr().String()), testMessage); o.Kind != messenger.Retry || o.Code != "connection_refused" {
		t.Errorf("refused: %+v", o)
	}
	dialing := make(chan struct{}, 1)
	m := at("relay.invalid:25")
	m.endpoint.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialing <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	late := messengertest.NewDeadline(t)
	go func() {
		<-dialing
		late.Pass()
	}()
	if o := messengertest.Send(late, t, m, testMessage); o.Kind != messenger.Retry || o.Code != "timeout" {
		t.Errorf("no connection: %+v", o)
	}
}

// TestEmailEncrypted connects to relays with TLS, without it, and with an untrusted
// certificate.
func TestEmailEncrypted(t *testing.T) {
	config, roots := certified(t)
	offers := script{"EHLO": "250-relay\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN"}
	for name, c := range map[string]struct {
		relay   *scripted
		url     string // "@" stands for the relay's address
		trusted bool
		kind    messenger.OutcomeKind
		code    string
		login   bool // the password was sent
	}{
		"STARTTLS":           {&scripted{script: offers, tls: config}, "smtp://@?", true, messenger.Sent, "", true},
		"TLS":                {&scripted{tls: config, implicit: true}, "smtps://@?", true, messenger.Sent, "", true},
		"in the clear":       {&scripted{}, "smtp://@?tls=off&", true, messenger.Sent, "", true},
		"none offered":       {&scripted{}, "smtp://@?", true, messenger.Failed, "tls_unavailable", false},
		"refused":            {&scripted{script: script{"EHLO": offers["EHLO"], "STARTTLS": "454 4.7.0 not now"}}, "smtp://@?", true, messenger.Retry, "4.7.0", false},
		"STARTTLS untrusted": {&scripted{script: offers, tls: config}, "smtp://@?", false, messenger.Retry, "tls_error", false},
		"TLS untrusted":      {&scripted{tls: config, implicit: true}, "smtps://@?", false, messenger.Retry, "tls_error", false},
		"no TLS":             {&scripted{}, "smtps://@?", true, messenger.Retry, "tls_error", false},
	} {
		t.Run(name, func(t *testing.T) {
			addr := relayOf(t, c.relay)
			e := messengertest.Endpoint("", nil)
			e.Dial = call.NewDialer(call.ClientConfig{AllowAll: true})
			if c.trusted {
				e.Roots = roots
			}
			m := testMessage
			m.Credential = strings.Replace(c.url, "@", "bongsu:SECRETword@"+addr, 1) + "from=bongsu@example.com"
			o := messengertest.Send(t.Context(), t, New(e), m)
			if o.Kind != c.kind || o.Code != c.code {
				t.Errorf("%+v", o)
			}
			if loggedIn := strings.Contains(c.relay.commands(), "AUTH PLAIN "); loggedIn != c.login {
				t.Errorf("the relay received %q", c.relay.commands())
			}
		})
	}
}

// TestEmailInjection has a relay respond before TLS to commands that were not sent:
// plaintext responses must not count as encrypted ones.
func TestEmailInjection(t *testing.T) {
	config, roots := certified(t)
	relay := &scripted{tls: config, script: script{"EHLO": "250-relay\r\n250 STARTTLS", "STARTTLS": "220 go on\r\n250 AUTH PLAIN"}}
	e := messengertest.Endpoint("", nil)
	e.Dial, e.Roots = call.NewDialer(call.ClientConfig{AllowAll: true}), roots
	m := testMessage
	m.Credential = "smtp://" + "bongsu:SECRETword@" + relayOf(t, relay) + "?from=bongsu@example.com"
	if o := messengertest.Send(t.Context(), t, New(e), m); o.Kind == messenger.Sent || strings.Contains(relay.commands(), "AUTH") {
		t.Errorf("%+v after %q", o, relay.commands())
	}
}

func TestEmailLogin(t *testing.T) {
	for offered, want := range map[string]struct {
		kind messenger.OutcomeKind
		code string
	}{"LOGIN": {messenger.Sent, ""}, "PLAIN LOGIN": {messenger.Sent, ""}, "plain": {messenger.Sent, ""}, "GSSAPI": {messenger.Failed, "auth_unavailable"}, "": {messenger.Failed, "auth_unavailable"}} {
		t.Run(offered, func(t *testing.T) {
			s := script{"EHLO": "250-relay\r\n250 AUTH " + offered}
			if offered == "LOGIN" {
				s["AUTH"], s["Ym9uZ3N1"], s["U0VDUkVULysld29yZA=="] = "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 in"
			}
			if o := messengertest.Send(t.Context(), t, at(relayOf(t, &scripted{script: s})), testMessage); o.Kind != want.kind || o.Code != want.code {
				t.Errorf("%+v", o)
			}
		})
	}
	s := &scripted{}
	m := testMessage
	m.Credential = "smtp://relay.example?from=bongsu@example.com"
	if o := messengertest.Send(t.Context(), t, at(relayOf(t, s)), m); o.Kind != messenger.Sent || strings.Contains(s.commands(), "AUTH") {
		t.Errorf("without a user: %+v after %q", o, s.commands())
	}
}

// TestEmailForbiddenAddresses uses relays at addresses that user-given URLs must not
// reach.
func TestEmailForbiddenAddresses(t *testing.T) {
	s := &scripted{}
	addr := relayOf(t, s)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "169.254.169.254", "[fd00::1]"} {
		e := messengertest.Endpoint("", nil)
		e.Dial = call.NewDialer(call.ClientConfig{})
		m := testMessage
		m.Credential = "smtp://bongsu:SECRETword@" + host + ":" + port + "?from=bongsu@example.com"
		if o := messengertest.Send(t.Context(), t, New(e), m); o.Kind != messenger.Failed || o.Code != "forbidden_address" || o.Scope != messenger.CredentialScope || s.commands() != "" {
			t.Errorf("%s: %+v", host, o)
		}
	}
}

func TestEmailNotCalled(t *testing.T) {
	s := &scripted{}
	addr := relayOf(t, s)
	for name, c := range map[string]struct {
		url, credential, destination string
		want                         messenger.Outcome // without Excerpt
	}{
		"no credential":  {"smtp://" + addr, "SECRET", "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "invalid_credential"}},
		"no destination": {"smtp://" + addr, "", "a@b\r\nDATA", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "invalid_destination"}},
		"no SMTP":        {"http://" + addr, "", "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "invalid_url"}},
		"in the clear":   {"", "smtp://u:SECRET@relay.example?tls=off&from=a@example.com", "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "invalid_url"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, v := testMessage, at(addr)
			v.endpoint.URL = c.url
			m.Credential, m.Destination = cmp.Or(c.credential, m.Credential), cmp.Or(c.destination, m.Destination)
			sending, looking := messengertest.Send(t.Context(), t, v, m), v.Verify(t.Context(), m.Credential, m.Destination)
			messengertest.CheckOutcome(t, looking, m.Credential)
			sending.Excerpt, looking.Excerpt = "", ""
			if sending != c.want || looking != c.want || s.commands() != "" {
				t.Errorf("%+v and %+v after %q", sending, looking, s.commands())
			}
		})
	}
}

// TestEmailVerify verifies that Verify sends all commands of a mail except its content.
func TestEmailVerify(t *testing.T) {
	for name, c := range map[string]struct {
		script script
		want   messenger.Outcome // without Excerpt
	}{
		"good":     {nil, messenger.Outcome{Kind: messenger.Sent, Status: 250}},
		"login":    {script{"AUTH": "535 5.7.8 no"}, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Status: 535, Code: "5.7.8"}},
		"nobody":   {script{"RCPT": "550 5.1.1 no SECRET/+%word"}, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Status: 550, Code: "5.1.1"}},
		"later":    {script{"RCPT": "450 4.2.0 later"}, messenger.Outcome{Kind: messenger.Retry, Status: 450, Code: "4.2.0"}},
		"hangs up": {script{"RCPT": hangUp}, messenger.Outcome{Kind: messenger.Retry, Code: "connection_error"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &scripted{script: c.script}
			o := at(relayOf(t, s)).Verify(t.Context(), testCredential, "ops@example.com")
			messengertest.CheckOutcome(t, o, testCredential)
			if o.Excerpt == "" || strings.Contains(s.commands(), "DATA") || len(s.mails) > 0 {
				t.Errorf("%+v after %q", o, s.commands())
			}
			if o.Excerpt = ""; o != c.want {
				t.Errorf("%+v, want %+v", o, c.want)
			}
		})
	}
}

func TestEmailManyAtOnce(t *testing.T) {
	s := &scripted{}
	m := at(relayOf(t, s))
	var g sync.WaitGroup
	for range 16 {
		g.Go(func() {
			for range 5 {
				if o := messengertest.Send(t.Context(), t, m, testMessage); o.Kind != messenger.Sent {
					t.Errorf("%+v", o)
				}
			}
		})
	}
	g.Wait()
	if len(s.mails) != 80 {
		t.Errorf("%d mails", len(s.mails))
	}
}
