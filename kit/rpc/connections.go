package rpc

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// warnInterval is the least time between two warnings of the same kind.
const warnInterval = time.Minute

// acceptRetry is the delay after a failed accept.
const acceptRetry = 100 * time.Millisecond

// connections limits the connections of a process, and closes idle ones to make room.
type connections struct {
	log   *slog.Logger
	slots chan struct{}

	mu   sync.Mutex
	open map[*countedConn]struct{}

	full, failed throttledWarning
}

func newConnections(limit int, log *slog.Logger) *connections {
	return &connections{log: log, slots: make(chan struct{}, limit), open: map[*countedConn]struct{}{}}
}

// limit wraps a listener so that its connections count against c.
func (c *connections) limit(l net.Listener) net.Listener {
	return &limitedListener{Listener: l, connections: c, closed: make(chan struct{})}
}

// track records since when a connection is idle. It is a http.Server's ConnState, and runs
// twice for each request over HTTP/1.1.
func (*connections) track(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c, ok := conn.(*countedConn)
	switch {
	case !ok:
	case state == http.StateIdle:
		c.idleSince.Store(time.Now().UnixNano())
	default:
		c.idleSince.Store(0)
	}
}

// closeIdle closes the connection that has been idle for longest, if any.
func (c *connections) closeIdle() {
	var oldest *countedConn
	var since int64
	c.mu.Lock()
	for conn := range c.open {
		if idle := conn.idleSince.Load(); idle != 0 && (oldest == nil || idle < since) {
			oldest, since = conn, idle
		}
	}
	c.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close() // a failed close has released the slot as well
	}
}

// A limitedListener accepts connections up to the limit of the process. Further ones wait
// for a slot; the longest idle connection is closed for them.
type limitedListener struct {
	net.Listener
	*connections
	closed    chan struct{}
	closeOnce sync.Once
}

// Accept waits for a connection and a slot for it. It logs an error other than the
// listener's end, and retries.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			return l.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return nil, err
		}
		if l.failed.due() {
			l.log.Warn("accept failed, retrying", "error", err, "open", len(l.slots), "hint", "raise the limit of open files (ulimit -n) or lower --max-connections")
		}
		select {
		case <-time.After(acceptRetry):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

func (l *limitedListener) admit(conn net.Conn) (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
		return l.count(conn), nil
	default:
	}
	if l.full.due() {
		l.log.Warn("connection limit reached, new connections wait for others to close", "limit", cap(l.slots), "flag", "--max-connections")
	}
	l.closeIdle()
	select {
	case l.slots <- struct{}{}:
		return l.count(conn), nil
	case <-l.closed:
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
}

// count returns a counted connection, for a connection that has its slot.
func (c *connections) count(conn net.Conn) *countedConn {
	counted := &countedConn{Conn: refusalConn{conn}, connections: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[counted] = struct{}{}
	return counted
}

// Close ends Accept.
func (l *limitedListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// A countedConn releases its slot when it is closed.
type countedConn struct {
	net.Conn
	connections *connections
	idleSince   atomic.Int64 // Unix nanoseconds; 0 while it is active
	once        sync.Once
}

// Close closes the connection and releases its slot.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.connections.mu.Lock()
		delete(c.connections.open, c)
		c.connections.mu.Unlock()
		<-c.connections.slots
	})
	return err
}

// A throttledWarning is logged at most once per warnInterval.
type throttledWarning struct{ last atomic.Int64 }

func (w *throttledWarning) due() bool {
	now := time.Now().UnixNano()
	last := w.last.Load()
	return (last == 0 || now-last >= int64(warnInterval)) && w.last.CompareAndSwap(last, now)
}
