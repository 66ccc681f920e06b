package probe

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
)

// TestTLS verifies the days that are left at several times before and after the expiry.
func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(respond(200, ""))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	at := strings.TrimPrefix(s.URL, "https://")
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		left    time.Duration
		check   TLS
		outcome Outcome
		message string
		days    float64
	}{
		"a year":            {366 * day, TLS{}, Passed, "366 days left", 366},
		"the limit":         {14 * day, TLS{}, Passed, "14 days left", 14},
		"below the limit":   {14*day - time.Minute, TLS{}, Failed, "expires in 13 days", 13},
		"another limit":     {14 * day, TLS{Days: 30}, Failed, "expires in 14 days", 14},
		"a day":             {36 * time.Hour, TLS{Days: 1}, Passed, "1 day left", 1},
		"hours":             {time.Hour, TLS{Days: 1}, Failed, "expires in 0 days", 0},
		"expired":           {-time.Hour, TLS{}, Failed, "a certificate expired on", -1},
		"of another server": {100 * day, TLS{ServerName: "other.invalid"}, Failed, "the certificate is not valid: ", 100},
		"of this server":    {100 * day, TLS{ServerName: "example.com"}, Passed, "100 days left", 100},
	} {
		t.Run(name, func(t *testing.T) {
			c.check.Address = at
			now := func() time.Time { return s.Certificate().NotAfter.Add(-c.left) }
			f := run(t, New(Env{Private: true, Roots: roots, Now: now}), &c.check)
			want(t, f, c.outcome, c.message)
			if !f.HasValue || f.Value != c.days {
				t.Errorf("value %v, want %v", f.Value, c.days)
			}
		})
	}
}

// TestTLSAuthority verifies that the expiry of the authority counts, and a certificate that is not
// valid yet or of an unknown authority fails.
func TestTLSAuthority(t *testing.T) {
	authority := certtest.New(t)
	certFile, keyFile, _ := authority.Issue(t, t.TempDir(), "127.0.0.1")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	at := listen(t, func(conn net.Conn) {
		_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}).HandshakeContext(t.Context())
	})
	early := func() time.Time { return time.Now().Add(-48 * time.Hour) }
	want(t, run(t, New(Env{Private: true, Roots: authority.Pool}), &TLS{Address: at}), Failed, "expires in 0 days")
	want(t, run(t, New(Env{Private: true, Roots: authority.Pool, Now: early}), &TLS{Address: at}), Failed, "not valid before")
	want(t, run(t, private(), &TLS{Address: at}), Failed, "unknown authority")
	want(t, run(t, private(), &TLS{Address: listen(t, func(conn net.Conn) { _, _ = conn.Write([]byte("220 no TLS\r\n")) })}), Failed, "TLS: ")
}
