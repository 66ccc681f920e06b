package call

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A Relay is a mail server that takes mail for delivery.
type Relay struct {
	Host, Port     string
	ImplicitTLS    bool // implicit TLS, as RFC 8314 recommends
	Unencrypted    bool // no TLS; otherwise, if not implicit, STARTTLS
	User, Password string
	Sender         string // the address of MAIL FROM, in ASCII
}

// Address returns the host and port of the relay.
func (r Relay) Address() string { return net.JoinHostPort(r.Host, r.Port) }

// A smtpStep is the progress of an SMTP session. The scope of a rejection depends on it.
type smtpStep int

const (
	greeting smtpStep = iota // connection, TLS, EHLO
	authentication
	sender
	recipient
	content
	end // the final dot: from here on the relay may have the mail
)

// A smtpSession is the result of one SMTP session with a relay.
type smtpSession struct {
	step     smtpStep // the last step
	response string   // the last response, if the session succeeded
	err      error
}

// Errors about missing extensions of the relay.
var (
	errNoTLS  = errors.New("the relay does not support STARTTLS; the password would be sent unencrypted")
	errNoAuth = errors.New("the relay supports neither AUTH PLAIN nor AUTH LOGIN, but the credential has a user")
)

// DeliverMail delivers one mail for one recipient, an ASCII address, to the relay, and
// returns the outcome of the session. Without mail it ends after RCPT. A session has one
// mail: with several, it would be unknown which of them an interrupted one delivered.
func (e Endpoint) DeliverMail(ctx context.Context, r Relay, to string, mail []byte) messenger.Outcome {
	o := e.runSMTP(ctx, r, to, mail).outcome(e.Now())
	if e.byUser && e.URL == "" && o.Status == 0 {
		return hideNetwork(o)
	}
	return o
}

// runSMTP runs one session with the relay.
func (e Endpoint) runSMTP(ctx context.Context, r Relay, to string, mail []byte) smtpSession {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	conn, err := e.Dial(ctx, "tcp", r.Address())
	if err != nil {
		return smtpSession{err: contextErrorOf(ctx, err)}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // aborts blocked I/O when ctx ends
	s := smtpSession{}
	s.response, s.err = s.run(ctx, &limitedConn{conn, MaxResponseBytes}, e.tls(r), r, to, mail)
	if s.err != nil && ctx.Err() != nil {
		s.err = ctx.Err()
	}
	return s
}

// tls returns the TLS configuration for a relay.
func (e Endpoint) tls(r Relay) *tls.Config {
	return &tls.Config{ServerName: r.Host, RootCAs: e.Roots, MinVersion: tls.VersionTLS12}
}

// run runs the session over a connection, and records its step.
func (s *smtpSession) run(ctx context.Context, conn net.Conn, config *tls.Config, r Relay, to string, mail []byte) (response string, err error) {
	if r.ImplicitTLS {
		encrypted := tls.Client(conn, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return "", err
		}
		conn = encrypted
	}
	client, err := smtp.NewClient(conn, r.Host)
	if err != nil {
		return "", err
	}
	client.SkipSMTPUTF8(true) // addresses are ASCII
	if err := greet(client, conn, config, r); err != nil {
		return "", err
	}
	if s.step = authentication; r.User != "" {
		if err := authenticate(client, r); err != nil {
			return "", err
		}
	}
	s.step = sender
	if err := client.Mail("<" + r.Sender + ">"); err != nil {
		return "", err
	}
	s.step = recipient
	if err := client.Rcpt("<" + to + ">"); err != nil || mail == nil {
		return "the relay accepts mail from the sender to the destination; no mail was sent", err
	}
	s.step = content
	w, err := client.Data()
	if err != nil {
		return "", err
	}
	if _, err := w.Write(mail); err != nil {
		return "", err
	}
	s.step = end
	if err := w.Close(); err != nil {
		return "", err
	}
	_ = client.Text.PrintfLine("QUIT") // best effort, the response is ignored
	if answered, ok := w.(interface{ ServerResponse() string }); ok {
		response = answered.ServerResponse()
	}
	return "250 " + response, nil
}

// greet sends EHLO with the local IP address (RFC 5321, 4.1.3), since some relays
// reject "localhost", and starts TLS.
func greet(client *smtp.Client, conn net.Conn, config *tls.Config, r Relay) error {
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		return err
	}
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut("IPv6:"+host, "%") // without the zone of a link-local address
	}
	if err := client.Hello("[" + host + "]"); err != nil {
		return err
	}
	if r.ImplicitTLS || r.Unencrypted {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return errNoTLS
	}
	return client.StartTLS(config)
}

// authenticate logs in. The caller has ensured that the password may be sent.
func authenticate(client *smtp.Client, r Relay) error {
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	const inTheClear = true
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return client.Auth(smtp.PlainAuth("", r.User, r.Password, r.Host, inTheClear))
	case slices.Contains(mechanisms, "LOGIN"):
		return client.Auth(smtp.LoginAuth(r.User, r.Password, r.Host, inTheClear))
	default:
		return errNoAuth
	}
}

// A limitedConn connection limits the bytes that it reads: responses of a relay have no
// limit of their own.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("the responses of the relay are too long")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
