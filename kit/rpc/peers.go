package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/livefile"
)

// callerHeader holds the caller on whose behalf a process calls another one, as
// auth.EncodeCaller returns it.
const callerHeader = "X-Internal-Caller"

// PeerConfig says how the processes of a system know one another: by a key, by mutual TLS, or
// by both. The zero value means not at all.
type PeerConfig struct {
	KeyFile                      string // as auth.OpenPeerKeys reads it
	CertFile, TLSKeyFile, CAFile string // PEM: of this process, and of the authority of all; all or none
}

// Peers authenticates the processes of a system to one another. It is safe for concurrent
// use. Files that change are read again.
type Peers struct {
	keys *auth.PeerKeys // nil without a key
	cert *Certificate   // nil without TLS
	ca   *livefile.Value[authority]
	log  *slog.Logger
}

// OpenPeers reads the files of a configuration. now is the clock.
func OpenPeers(config PeerConfig, now func() time.Time, log *slog.Logger) (p *Peers, err error) {
	p = &Peers{log: log}
	if config.KeyFile != "" {
		if p.keys, err = auth.OpenPeerKeys(config.KeyFile, now, log); err != nil {
			return nil, fmt.Errorf("internal key file: %w", err)
		}
	}
	if config.CertFile == "" {
		return p, nil
	}
	if p.cert, err = OpenCertificate(config.CertFile, config.TLSKeyFile, now, log); err != nil {
		return nil, fmt.Errorf("internal certificate: %w", err)
	}
	if p.ca, err = openAuthority(config.CAFile, now, log); err != nil {
		return nil, fmt.Errorf("internal authority: %w", err)
	}
	return p, nil
}

// Required reports whether peers must authenticate.
func (p *Peers) Required() bool { return p.keys != nil || p.cert != nil }

// ServerTLS returns the TLS configuration of a port for peers, or nil without TLS. The
// certificate of a client is verified if it sends one; Stage refuses a client without one, so
// that health checks need none.
func (p *Peers) ServerTLS() *tls.Config {
	if p.cert == nil {
		return nil
	}
	config := p.cert.ServerTLS()
	config.ClientAuth = tls.VerifyClientCertIfGiven
	config.SessionTicketsDisabled = true // a resumed session would outlive its authority
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		current := config.Clone()
		current.GetConfigForClient, current.ClientCAs = nil, p.ca.Get().pool
		return current, nil
	}
	return config
}

// Client returns the HTTP client for calls to peers. It sends the key, and the caller of the
// context of a call; it follows no redirects, which would take the key elsewhere.
func (p *Peers) Client() *http.Client {
	client := NewHTTPClient()
	if !p.Required() {
		return client
	}
	p.dialTLS(client, func() *x509.CertPool { return p.ca.Get().pool })
	client.Transport = &peerTransport{next: client.Transport, keys: p.keys, caller: true}
	client.CheckRedirect = noRedirect
	return client
}

// OutsideClient returns the HTTP client for calls to a service of another system. It sends
// neither the key of this one nor callers, but keys, unless it is nil, and the certificate of
// this process to a server that asks for one. The server's certificate may be of an authority
// of the machine, too.
func (p *Peers) OutsideClient(keys *auth.PeerKeys) *http.Client {
	client := NewHTTPClient()
	p.dialTLS(client, func() *x509.CertPool { return p.ca.Get().wider })
	if keys != nil {
		client.Transport = &peerTransport{next: client.Transport, keys: keys}
		client.CheckRedirect = noRedirect
	}
	return client
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// dialTLS lets client use the certificate of p, and trust roots, as they are at each
// connection. Without TLS it changes nothing.
func (p *Peers) dialTLS(client *http.Client, roots func() *x509.CertPool) {
	if p.cert == nil {
		return
	}
	transport := client.Transport.(*http.Transport) //nolint:forcetypeassert // that of NewHTTPClient
	dial := transport.DialContext
	transport.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		secured := tls.Client(conn, &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: roots(), NextProtos: []string{"h2"},
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.cert.pair.Get(), nil },
		})
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return secured, nil
	}
}

// A peerTransport adds the key, and the caller, to requests.
type peerTransport struct {
	next   http.RoundTripper
	keys   *auth.PeerKeys // nil for none
	caller bool
}

// CloseIdleConnections closes those of the transport below, for http.Client.
func (t *peerTransport) CloseIdleConnections() {
	if below, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		below.CloseIdleConnections()
	}
}

// RoundTrip sends a copy of r with the headers.
func (t *peerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.WithContext(r.Context())
	sent.Header = r.Header.Clone()
	sent.Header.Del(callerHeader)
	if t.keys != nil {
		sent.Header.Set("Authorization", "Bearer "+t.keys.First())
	}
	if t.caller {
		if c, ok := auth.CallerOf(r.Context()); ok {
			sent.Header.Set(callerHeader, auth.EncodeCaller(c))
		}
	}
	return t.next.RoundTrip(sent)
}
