package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of every server: who is slow to ask is not waited for.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// A Server serves one port by HTTP/1.1 and cleartext HTTP/2.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Listen opens the port, so that what comes waits for Serve. Port 0 asks for any
// free one.
func Listen(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w (is another bongsu running? another port can be named)", err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &Server{listener: listener, http: &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Addr is the address it listens on, with the port that was given.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve answers until ctx ends, and then finishes what is in flight for at most
// grace. It returns nil when it ended because ctx did.
func (s *Server) Serve(ctx context.Context, grace time.Duration) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { stopped <- s.stop(context.WithoutCancel(ctx), grace) })
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve %s: %w", s.Addr(), err)
	}
	return <-stopped
}

// stop lets no more in and waits for what is in flight, for at most grace.
func (s *Server) stop(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop serving %s: %w", s.Addr(), err), s.http.Close())
	}
	return nil
}

// Close closes the port where Serve has not: it was never served.
func (s *Server) Close() error {
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
