package messenger

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// A step is how far a talk with a relay has come. What a refusal is about depends on
// it.
type step int

const (
	greeting step = iota // connection, TLS, EHLO
	authentication
	sender
	recipient
	content
	end // the final dot: from here on the relay may have the mail
)

// A talk is what came of one connection to a relay.
type talk struct {
	step step   // the last
	said string // what came of it, where that was success
	err  error
}

// The refusals that are ours, since the relay offers nothing that would do.
var (
	errNoTLS  = errors.New("the relay offers no STARTTLS, so that the password could be read on the way")
	errNoAuth = errors.New("the relay offers neither AUTH PLAIN nor AUTH LOGIN, but the credential names a user")
)

// talk has one connection with the relay, and hands it one mail for one recipient.
// Without mail it goes as far as the recipient. A connection has one mail: which of
// several a broken one took with it would be another question.
func (e Endpoint) talk(ctx context.Context, r relay, to string, mail []byte) talk {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	conn, err := e.Dial(ctx, "tcp", r.address())
	if err != nil {
		return talk{err: ended(ctx, err)}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // what waits for the relay ends with ctx
	t := talk{}
	t.said, t.err = t.have(ctx, &bounded{conn, maxAnswer}, e.tls(r), r, to, mail)
	if t.err != nil && ctx.Err() != nil {
		t.err = ctx.Err()
	}
	return t
}

// tls gives how a relay is encrypted.
func (e Endpoint) tls(r relay) *tls.Config {
	return &tls.Config{ServerName: r.host, RootCAs: e.roots, MinVersion: tls.VersionTLS12}
}

// have has the talk over a connection, and notes how far it comes.
func (t *talk) have(ctx context.Context, conn net.Conn, config *tls.Config, r relay, to string, mail []byte) (said string, err error) {
	if r.implicit {
		encrypted := tls.Client(conn, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return "", err
		}
		conn = encrypted
	}
	client, err := smtp.NewClient(conn, r.host)
	if err != nil {
		return "", err
	}
	client.SkipSMTPUTF8(true) // checkMail sees to it
	if err := hello(client, conn, config, r); err != nil {
		return "", err
	}
	if t.step = authentication; r.user != "" {
		if err := authenticate(client, r); err != nil {
			return "", err
		}
	}
	t.step = sender
	if err := client.Mail("<" + r.from.Address + ">"); err != nil {
		return "", err
	}
	t.step = recipient
	if err := client.Rcpt("<" + to + ">"); err != nil || mail == nil {
		return "the relay takes mail from the sender to the destination; none was sent", err
	}
	t.step = content
	w, err := client.Data()
	if err != nil {
		return "", err
	}
	if _, err := w.Write(mail); err != nil {
		return "", err
	}
	t.step = end
	if err := w.Close(); err != nil {
		return "", err
	}
	_ = client.Text.PrintfLine("QUIT") // a courtesy, whose answer changes nothing
	if answered, is := w.(interface{ ServerResponse() string }); is {
		said = answered.ServerResponse()
	}
	return "250 " + said, nil
}

// hello introduces us by our address (RFC 5321, 4.1.3), since there are relays that
// refuse "localhost", and begins to encrypt.
func hello(client *smtp.Client, conn net.Conn, config *tls.Config, r relay) error {
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		return err
	}
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut("IPv6:"+host, "%") // without the zone of a link-local one
	}
	if err := client.Hello("[" + host + "]"); err != nil {
		return err
	}
	if r.implicit || r.clear {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return errNoTLS
	}
	return client.StartTLS(config)
}

// authenticate says who we are. That the password may go that way was decided before.
func authenticate(client *smtp.Client, r relay) error {
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	const inTheClear = true
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return client.Auth(smtp.PlainAuth("", r.user, r.password, r.host, inTheClear))
	case slices.Contains(mechanisms, "LOGIN"):
		return client.Auth(smtp.LoginAuth(r.user, r.password, r.host, inTheClear))
	default:
		return errNoAuth
	}
}

// A bounded connection reads so many bytes and no more: a relay's answers have no end
// of their own.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("the relay's answers are too long")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
