package probe

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
)

func TestTCP(t *testing.T) {
	mail := listen(t, func(conn net.Conn) {
		for _, part := range []string{"2", "20 mail.exa", "mple ESMTP\r\n"} {
			_, _ = io.WriteString(conn, part)
		}
		line, _ := bufio.NewReader(conn).ReadString('\n')
		_, _ = io.WriteString(conn, "250 "+line)
		_, _ = conn.Read(make([]byte, 1))
	})
	brief := listen(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "bye") })
	endless := listen(t, func(conn net.Conn) {
		for {
			if _, err := conn.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	})
	for name, c := range map[string]struct {
		check   TCP
		outcome Outcome
		message string
	}{
		"connects":          {TCP{Address: mail}, Passed, "connected"},
		"receives":          {TCP{Address: mail, Expect: "^220 .*ESMTP"}, Passed, ""},
		"sends":             {TCP{Address: mail, Send: "EHLO me\r\n", Expect: "250 EHLO me"}, Passed, ""},
		"receives another":  {TCP{Address: brief, Expect: "^220"}, Failed, "closed after 3 bytes"},
		"receives too much": {TCP{Address: endless, Expect: "^220"}, Failed, "the first 64 KiB"},
		"no TLS":            {TCP{Address: mail, TLS: true}, Failed, "TLS: "},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, run(t, private(), &c.check), c.outcome, c.message)
		})
	}
}

func TestTCPWithTLS(t *testing.T) {
	authority := certtest.New(t)
	certFile, keyFile, _ := authority.Issue(t, t.TempDir(), "127.0.0.1")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	at := listen(t, func(conn net.Conn) {
		secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
		_, _ = io.WriteString(secured, "* OK IMAP4rev1\r\n")
		_, _ = secured.Read(make([]byte, 1))
	})
	c := &TCP{Address: at, TLS: true, Expect: `^\* OK`}
	want(t, run(t, New(Env{Private: true, Roots: authority.Pool}), c), Passed, "")
	want(t, run(t, private(), c), Failed, "unknown authority")
}
