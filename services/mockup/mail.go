package mockup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// ServeMail serves SMTP on a listener, as a relay does, until ctx ends. It accepts
// every user, and every password except "wrong". A recipient whose local part is an
// SMTP code is rejected with it, such as 550@example.com; with the prefix end- the mail
// is rejected, such as end-554@example.com; hangup@example.com closes the connection
// before the mail was received. All others are accepted. A mail is a Call: its method
// is SMTP, its path the recipient, its body the mail with \n line ends. Faults apply
// after the whole mail was received, with Status as an SMTP code.
func (m *Mockup) ServeMail(ctx context.Context, listener net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{Mockup: m, ctx: ctx, conn: c.Conn()}, nil
	}))
	server.Domain = "mockup"
	server.AllowInsecureAuth = true // its credentials are as fake as itself
	server.MaxMessageBytes = maxBody
	server.MaxRecipients = 100
	server.ReadTimeout = 5 * time.Minute // the minimum of RFC 5321, 4.5.3.2.7
	server.ErrorLog = log.New(io.Discard, "", 0)
	defer context.AfterFunc(ctx, func() {
		_ = server.Close()
		_ = listener.Close() // the server closes it only after Serve began
	})()
	if err := server.Serve(listener); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve SMTP: %w", err)
	}
	return nil
}

// A mailSession is one connection.
type mailSession struct {
	*Mockup
	ctx  context.Context // go-smtp passes none
	conn net.Conn

	auth string // user and password of AUTH
	from string
	to   []string
}

var _ smtp.AuthSession = (*mailSession)(nil)

// AuthMechanisms returns the supported SASL mechanisms.
func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth accepts every login except with the password "wrong".
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password == "wrong" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Authentication credentials invalid"}
		}
		s.auth = user + ":" + password
		return nil
	}), nil
}

// Mail begins a mail.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from, s.to = from, nil
	return nil
}

// Rcpt accepts a recipient, or rejects it.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	local, _, _ := strings.Cut(to, "@")
	if refusal := mailRefusal(local); refusal != nil {
		s.recordResponse(s.recordCall(s.call(to, "")), response{status: refusal.Code, body: refusal.Message})
		return refusal
	}
	s.to = append(s.to, to)
	return nil
}

// Data receives the mail. With several recipients, the response to the last one counts.
func (s *mailSession) Data(r io.Reader) error {
	if slices.ContainsFunc(s.to, func(to string) bool { return strings.HasPrefix(to, "hangup@") }) {
		return s.hangUp()
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return err // too long, or interrupted
	}
	body := strings.ReplaceAll(string(content), "\r\n", "\n")
	for _, to := range s.to {
		call := s.recordCall(s.call(to, body))
		err = s.respond(call, s.matchFault(call))
	}
	return err
}

// hangUp closes the connection.
func (s *mailSession) hangUp() error {
	_ = s.conn.Close()
	return net.ErrClosed
}

// call returns the Call of a mail.
func (s *mailSession) call(to, body string) *Call {
	return &Call{
		Method:  "SMTP",
		Path:    validUTF8(to),
		Headers: []Header{{"Authorization", validUTF8(s.auth)}, {"From", validUTF8(s.from)}},
		Body:    validUTF8(body),
		Time:    s.Now(),
	}
}

// respond returns the response to a mail as an error, which go-smtp also expects for
// success; or the error that closes the connection.
func (s *mailSession) respond(call *Call, f Fault) error {
	if f.Delay > 0 {
		if err := s.Wait(s.ctx, f.Delay); err != nil {
			return err
		}
	}
	if f.CloseConnection {
		return s.hangUp()
	}
	own := s.mailTaken(call)
	if own.effect != nil && !f.replaces() {
		own.effect()
	}
	a := f.apply(own)
	s.recordResponse(call, a)
	if f.CutAnswer {
		_, _ = io.WriteString(s.conn, strconv.Itoa(a.status)) // an error means that the client disconnected
		return s.hangUp()
	}
	return &smtp.SMTPError{Code: a.status, EnhancedCode: smtp.NoEnhancedCode, Message: a.body}
}

// mailTaken returns a relay's own response to a mail.
func (s *mailSession) mailTaken(call *Call) response {
	local, _, _ := strings.Cut(call.Path, "@")
	if code, ok := strings.CutPrefix(local, "end-"); ok {
		if refusal := mailRefusal(code); refusal != nil {
			e := refusal.EnhancedCode
			return response{status: refusal.Code, body: fmt.Sprintf("%d.%d.%d %s", e[0], e[1], e[2], refusal.Message)}
		}
	}
	// The rate limit and the response of Amazon SES:
	// https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
	if s.takeLimit("mail "+s.auth, 14, 14) > 0 {
		return response{status: 454, body: "Throttling failure: Maximum sending rate exceeded"}
	}
	a := response{status: 250, body: fmt.Sprintf("2.0.0 Ok: queued as %X", s.uniqueMicros())}
	a.effect = s.addMessage(s.mailMessage(call))
	return a
}

// mailMessage returns a mail as its reader sees it, with all its headers. Its id is its
// Message-ID, by which some systems drop a second mail, and its thread the mail that it is a
// reply to, both without angle brackets.
func (s *mailSession) mailMessage(call *Call) Message {
	v := Message{Provider: "email", Destination: call.Path, ID: strconv.FormatInt(s.uniqueMicros(), 10), Text: call.Body, Owner: s.auth}
	if content, err := mail.ReadMessage(strings.NewReader(call.Body)); err == nil {
		v.ID = cmp.Or(strings.Trim(content.Header.Get("Message-Id"), "<>"), v.ID)
		v.Thread = strings.Trim(content.Header.Get("In-Reply-To"), "<>")
	}
	return v
}

// Reset discards the current mail.
func (s *mailSession) Reset() { s.from, s.to = "", nil }

// Logout ends the session.
func (s *mailSession) Logout() error { return nil }
