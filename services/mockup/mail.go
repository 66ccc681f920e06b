package mockup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// ServeMail takes mail on a listener, as a relay does, until ctx ends. It knows every
// user, and every password but "wrong". Recipients are refused by the code that their
// local part is, such as 550@example.com, and their mail by the code that follows end-,
// such as end-554@example.com; hangup@example.com closes the connection before the mail
// has come in. All others get their mail. A mail is a Call: its method SMTP, its path
// the recipient, its body the mail, its lines ended by \n. Faults strike when it has
// all come in, their Status a code of SMTP.
func (m *Mockup) ServeMail(ctx context.Context, listener net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{Mockup: m, ctx: ctx, conn: c.Conn()}, nil
	}))
	server.Domain = "mockup"
	server.AllowInsecureAuth = true // what it is told is as fake as it is
	server.MaxMessageBytes = maxBody
	server.MaxRecipients = 100
	server.ReadTimeout = 5 * time.Minute // as RFC 5321, 4.5.3.2.7 asks
	server.ErrorLog = log.New(io.Discard, "", 0)
	defer context.AfterFunc(ctx, func() {
		_ = server.Close()
		_ = listener.Close() // which the server does not know before Serve
	})()
	if err := server.Serve(listener); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("take mail: %w", err)
	}
	return nil
}

// A mailSession is one connection.
type mailSession struct {
	*Mockup
	ctx  context.Context // go-smtp passes none
	conn net.Conn

	auth string // what AUTH said
	from string
	to   []string
}

var _ smtp.AuthSession = (*mailSession)(nil)

// AuthMechanisms names the ways to log in.
func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth lets in whoever does not say "wrong".
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

// Rcpt takes a recipient, or refuses it.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	local, _, _ := strings.Cut(to, "@")
	if refusal := mailRefusal(local); refusal != nil {
		s.answered(s.keep(s.call(to, "")), answer{status: refusal.Code, body: refusal.Message})
		return refusal
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes the mail itself. Of several recipients, the answer to the last counts.
func (s *mailSession) Data(r io.Reader) error {
	if slices.ContainsFunc(s.to, func(to string) bool { return strings.HasPrefix(to, "hangup@") }) {
		return s.hangUp()
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return err // too long, or broken off
	}
	body := strings.ReplaceAll(string(content), "\r\n", "\n")
	for _, to := range s.to {
		call := s.keep(s.call(to, body))
		err = s.answer(call, s.strike(call))
	}
	return err
}

// hangUp closes the connection.
func (s *mailSession) hangUp() error {
	_ = s.conn.Close()
	return net.ErrClosed
}

// call is the record of a mail.
func (s *mailSession) call(to, body string) *Call {
	return &Call{
		Method:  "SMTP",
		Path:    text(to),
		Headers: []Header{{"Authorization", text(s.auth)}, {"From", text(s.from)}},
		Body:    text(body),
		Time:    s.Now(),
	}
}

// answer gives the answer to a mail, which go-smtp takes as an error even where it is
// one of success; or the error that there is none.
func (s *mailSession) answer(call *Call, f Fault) error {
	if f.Delay > 0 {
		if err := s.Wait(s.ctx, f.Delay); err != nil {
			return err
		}
	}
	if f.CloseConnection {
		return s.hangUp()
	}
	a := f.spoil(s.mailTaken(call))
	s.answered(call, a)
	if f.CutAnswer {
		_, _ = io.WriteString(s.conn, strconv.Itoa(a.status)) // an error means that the caller has gone
		return s.hangUp()
	}
	return &smtp.SMTPError{Code: a.status, EnhancedCode: smtp.NoEnhancedCode, Message: a.body}
}

// mailTaken is a relay's own answer to a mail.
func (s *mailSession) mailTaken(call *Call) answer {
	local, _, _ := strings.Cut(call.Path, "@")
	if code, is := strings.CutPrefix(local, "end-"); is {
		if refusal := mailRefusal(code); refusal != nil {
			e := refusal.EnhancedCode
			return answer{status: refusal.Code, body: fmt.Sprintf("%d.%d.%d %s", e[0], e[1], e[2], refusal.Message)}
		}
	}
	// As Amazon SES limits an account, and says so:
	// https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
	if s.spend("mail "+s.auth, 14, 14) > 0 {
		return answer{status: 454, body: "Throttling failure: Maximum sending rate exceeded"}
	}
	return answer{status: 250, body: fmt.Sprintf("2.0.0 Ok: queued as %X", s.moment())}
}

// Reset forgets a mail that was begun.
func (s *mailSession) Reset() { s.from, s.to = "", nil }

// Logout ends the session.
func (s *mailSession) Logout() error { return nil }
