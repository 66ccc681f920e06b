package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The limits of every server, against slow clients.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	pingInterval      = 30 * time.Second // of an idle HTTP/2 connection
	pingTimeout       = 15 * time.Second
)

// A Server serves one port by HTTP/1.1 and HTTP/2, in cleartext or over TLS.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Listen opens a port with its own Admission, as Admission.Listen does.
func Listen(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) (*Server, error) {
	admission, err := NewAdmission(0, log)
	if err != nil {
		return nil, err
	}
	return admission.Listen(ctx, addr, handler)
}

func newServer(listener net.Listener, handler http.Handler, admission *Admission, limits bodyLimits, secure *tls.Config) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(secure == nil)
	protocols.SetHTTP2(secure != nil)
	return &Server{listener: admission.connections.limit(listener), http: &http.Server{
		Handler:           withGrownStack(withResponseLimits(withBodyLimits(handler, limits, admission.bodies))),
		Protocols:         protocols,
		TLSConfig:         secure,
		HTTP2:             &http.HTTP2Config{SendPingTimeout: pingInterval, PingTimeout: pingTimeout},
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       limits.idle, // extended by withBodyLimits
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         admission.connections.track,
		ErrorLog:          newErrorLog(admission.log),
	}}
}

// Addr returns the address of the listener, with its actual port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve serves until ctx ends, and then completes in-flight requests for at most grace. It
// returns nil if it ended because of ctx.
func (s *Server) Serve(ctx context.Context, grace time.Duration) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { stopped <- s.stop(context.WithoutCancel(ctx), grace) })
	serve := s.http.Serve
	if s.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve %s: %w", s.Addr(), err)
	}
	return <-stopped
}

// stop closes the listener and waits for in-flight requests, for at most grace.
func (s *Server) stop(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop serving %s: %w", s.Addr(), err), s.http.Close())
	}
	return nil
}

// Close closes the port if Serve was never called.
func (s *Server) Close() error {
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
