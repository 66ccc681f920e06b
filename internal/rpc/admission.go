package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
)

const (
	// mostConnections is the default limit where the process may open many files.
	mostConnections = 10_000
	// fewestConnections is the default limit where it may open few.
	fewestConnections = 16
)

// Admission bounds what callers may hold of a process: connections, and the bytes of
// large bodies. All ports of a process share one.
type Admission struct {
	log         *slog.Logger
	connections *connections
	bodies      *byteBudget
}

// NewAdmission returns an Admission for at most maxConnections connections. With 0 it
// takes half of the files that the process may have open, at most 10,000. It fails
// where the process may not open so many files.
func NewAdmission(maxConnections int, log *slog.Logger) (*Admission, error) {
	limit, err := connectionLimit(maxConnections, openFiles())
	if err != nil {
		return nil, err
	}
	return &Admission{log: log, connections: newConnections(limit, log), bodies: newByteBudget(bodyBudgetBytes)}, nil
}

// connectionLimit returns the limit for a process that may have files open; 0 files
// means that it is not known how many.
func connectionLimit(asked int, files uint64) (int, error) {
	switch {
	case asked < 0:
		return 0, fmt.Errorf("must be at least 1, or 0 for half of the open files that are allowed")
	case asked > 0 && files > 0 && uint64(asked) >= files:
		return 0, fmt.Errorf("%d connections need more than the %d open files that are allowed: raise that limit (ulimit -n), or allow fewer connections", asked, files)
	case asked > 0:
		return asked, nil
	case files == 0:
		return mostConnections, nil
	}
	return max(int(min(files/2, mostConnections)), fewestConnections), nil
}

// Listen opens a port, so that connections wait for Serve. Port 0 takes any free one.
func (a *Admission) Listen(ctx context.Context, addr string, handler http.Handler) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w (is another bongsu running? another port can be named)", err)
	}
	return newServer(listener, handler, a, defaultBodyLimits), nil
}
