package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/livefile"
)

// A Certificate is a certificate chain with its private key, of two PEM files, which are read
// again when they change. Connections that are open keep the one that they began with.
type Certificate struct {
	pair *livefile.Value[*tls.Certificate]
}

// OpenCertificate reads the files. now is the clock; a failure to read changed files is
// logged, and the certificate before stays.
func OpenCertificate(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*Certificate, error) {
	pair, err := livefile.Open([]string{certFile, keyFile}, func(texts [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(texts[0], texts[1])
		if err != nil {
			return nil, errors.New("no certificate and private key in PEM that belong together")
		}
		return &pair, nil
	}, now, log)
	if err != nil {
		return nil, err
	}
	return &Certificate{pair}, nil
}

// ServerTLS returns the TLS configuration of a port with the certificate, for
// Admission.ListenTLS.
func (c *Certificate) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Get(), nil },
	}
}

// An authority holds certificates of authorities.
type authority struct {
	pool  *x509.CertPool
	wider *x509.CertPool // with the authorities of the machine
}

// openAuthority reads a PEM file with certificates of authorities, and again when it changes.
func openAuthority(caFile string, now func() time.Time, log *slog.Logger) (*livefile.Value[authority], error) {
	return livefile.Open([]string{caFile}, func(texts [][]byte) (authority, error) {
		a := authority{pool: x509.NewCertPool()}
		if !a.pool.AppendCertsFromPEM(texts[0]) {
			return authority{}, errors.New("no certificate in PEM")
		}
		var err error
		if a.wider, err = x509.SystemCertPool(); err != nil {
			a.wider = x509.NewCertPool()
		}
		a.wider.AppendCertsFromPEM(texts[0])
		return a, nil
	}, now, log)
}
