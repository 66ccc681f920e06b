package rpc

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
)

const (
	// maxDefaultConnections is the default limit if the process may open many files.
	maxDefaultConnections = 10_000
	// minDefaultConnections is the default limit if it may open few.
	minDefaultConnections = 16
)

// Admission limits the resources that callers hold in a process: connections, and the
// bytes of large bodies. All ports of a process share one.
type Admission struct {
	log         *slog.Logger
	connections *connections
	bodies      *byteBudget
}

// NewAdmission returns an Admission for at most maxConnections connections. 0 means half of
// the process's open-file limit, at most 10,000. It returns an error if maxConnections is
// not below the open-file limit.
func NewAdmission(maxConnections int, log *slog.Logger) (*Admission, error) {
	limit, err := connectionLimit(maxConnections, openFiles())
	if err != nil {
		return nil, err
	}
	return &Admission{log: log, connections: newConnections(limit, log), bodies: newByteBudget(bodyBudgetBytes)}, nil
}

// connectionLimit returns the connection limit under an open-file limit of files; 0 files
// means that it is unknown.
func connectionLimit(asked int, files uint64) (int, error) {
	switch {
	case asked < 0:
		return 0, fmt.Errorf("must be at least 1, or 0 for half of the open-file limit")
	case asked > 0 && files > 0 && uint64(asked) >= files:
		return 0, fmt.Errorf("%d connections exceed the open-file limit of %d: raise it (ulimit -n), or allow fewer connections", asked, files)
	case asked > 0:
		return asked, nil
	case files == 0:
		return maxDefaultConnections, nil
	}
	return max(int(min(files/2, maxDefaultConnections)), minDefaultConnections), nil
}

// Listen opens a port; connections are queued until Serve. Port 0 takes a free one.
func (a *Admission) Listen(ctx context.Context, addr string, handler http.Handler) (*Server, error) {
	return a.ListenTLS(ctx, addr, handler, nil)
}

// ListenTLS is Listen for a port that serves TLS only, by HTTP/1.1 and HTTP/2. A nil config is
// that of Listen.
func (a *Admission) ListenTLS(ctx context.Context, addr string, handler http.Handler, config *tls.Config) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; check for another process on the port, or use another port", err)
	}
	return newServer(listener, handler, a, defaultBodyLimits, config), nil
}
