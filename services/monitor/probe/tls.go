package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"time"
)

// defaultDays is the default of TLS.Days.
const defaultDays = 14

func (c *TLS) run(ctx context.Context, p *Prober) Finding {
	conn, stop, err := p.connect(ctx, c.Address)
	if err != nil {
		return failed("%s", reason(err))
	}
	defer stop()
	name := cmp.Or(c.ServerName, hostOf(c.Address))
	// The certificates are verified below, so that those that have expired are read too.
	secured := tls.Client(conn, p.tlsConfig(name, true))
	if err := secured.HandshakeContext(ctx); err != nil {
		return failed("TLS: %s", reason(err))
	}
	return c.judge(secured.ConnectionState().PeerCertificates, name, p.env.Roots, p.env.Now())
}

// judge returns the finding of the certificates of a server.
func (c *TLS) judge(certificates []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) Finding {
	leaf, intermediates := certificates[0], x509.NewCertPool()
	for _, certificate := range certificates[1:] {
		intermediates.AddCert(certificate)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: intermediates, CurrentTime: now})
	if err != nil {
		return invalidCertificate(err, certificates, now)
	}
	expiry := expiryOf(chains)
	left := expiry.Sub(now)
	days := math.Floor(left.Hours() / 24)
	limit := cmp.Or(c.Days, defaultDays)
	if left < time.Duration(limit)*24*time.Hour {
		return failed("the certificate expires in %s, on %s", daysText(days), expiry.UTC().Format(time.DateOnly)).with(days)
	}
	return passed("%s left", daysText(days)).with(days)
}

// expiryOf returns until when one of the chains is valid: of the one that lasts longest.
func expiryOf(chains [][]*x509.Certificate) time.Time {
	var expiry time.Time
	for _, chain := range chains {
		first := chain[0].NotAfter
		for _, certificate := range chain[1:] {
			if certificate.NotAfter.Before(first) {
				first = certificate.NotAfter
			}
		}
		if first.After(expiry) {
			expiry = first
		}
	}
	return expiry
}

// invalidCertificate returns the finding of certificates that are not valid.
func invalidCertificate(err error, certificates []*x509.Certificate, now time.Time) Finding {
	days := math.Floor(certificates[0].NotAfter.Sub(now).Hours() / 24)
	var problem x509.CertificateInvalidError
	if errors.As(err, &problem) && problem.Reason == x509.Expired {
		if at := problem.Cert.NotBefore; at.After(now) {
			return failed("a certificate is not valid before %s", at.UTC().Format(time.DateTime)).with(days)
		}
		return failed("a certificate expired on %s", problem.Cert.NotAfter.UTC().Format(time.DateTime)).with(days)
	}
	return failed("the certificate is not valid: %s", err).with(days)
}

func daysText(days float64) string {
	if days == 1 {
		return "1 day"
	}
	return trimmed(days) + " days"
}
