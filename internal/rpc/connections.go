package rpc

import (
	"container/list"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// warnInterval is how often the same lack of connections is logged at most.
const warnInterval = time.Minute

// acceptRetry is how long a listener waits after a failed accept.
const acceptRetry = 100 * time.Millisecond

// connections bounds the connections of a process and closes idle ones to make room.
type connections struct {
	log   *slog.Logger
	slots chan struct{}

	mu    sync.Mutex
	order *list.List // of idle net.Conn, the oldest first
	idle  map[net.Conn]*list.Element

	full, failed rareWarning
}

func newConnections(limit int, log *slog.Logger) *connections {
	return &connections{log: log, slots: make(chan struct{}, limit), order: list.New(), idle: map[net.Conn]*list.Element{}}
}

// limit returns a listener whose connections count against c.
func (c *connections) limit(l net.Listener) net.Listener {
	return &limitedListener{Listener: l, connections: c, closed: make(chan struct{})}
}

// track follows which connections are idle. It is a http.Server's ConnState.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.idle[conn]; ok {
		c.order.Remove(e)
		delete(c.idle, conn)
	}
	if state == http.StateIdle {
		c.idle[conn] = c.order.PushBack(conn)
	}
}

// closeIdle closes the connection that has been idle for longest, if any is.
func (c *connections) closeIdle() {
	c.mu.Lock()
	oldest := c.order.Front()
	if oldest != nil {
		c.order.Remove(oldest)
		delete(c.idle, oldest.Value.(net.Conn)) //nolint:forcetypeassert // it holds nothing else
	}
	c.mu.Unlock()
	if oldest != nil {
		_ = oldest.Value.(net.Conn).Close() //nolint:forcetypeassert // as above; a failed close has freed it as well
	}
}

// A limitedListener accepts while the process has fewer connections than its limit.
// Further callers wait until one closes, at first an idle one.
type limitedListener struct {
	net.Listener
	*connections
	closed    chan struct{}
	closeOnce sync.Once
}

// Accept waits for a connection and for room for it. An error other than the
// listener's end is logged and accepting goes on.
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
			l.log.Warn("cannot accept connections", "error", err, "open", len(l.slots), "hint", "raise the limit of open files (ulimit -n) or lower --max-connections")
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
		return &countedConn{Conn: conn, connections: l.connections}, nil
	default:
	}
	if l.full.due() {
		l.log.Warn("connection limit reached: new connections wait until others close", "limit", cap(l.slots), "flag", "--max-connections")
	}
	l.closeIdle()
	select {
	case l.slots <- struct{}{}:
		return &countedConn{Conn: conn, connections: l.connections}, nil
	case <-l.closed:
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
}

// Close ends Accept.
func (l *limitedListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// A countedConn frees its slot when it is closed.
type countedConn struct {
	net.Conn
	connections *connections
	once        sync.Once
}

// Close closes the connection and frees its slot.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.connections.slots })
	return err
}

// A rareWarning is due at most once per warnInterval.
type rareWarning struct{ last atomic.Int64 }

func (w *rareWarning) due() bool {
	now := time.Now().UnixNano()
	last := w.last.Load()
	return (last == 0 || now-last >= int64(warnInterval)) && w.last.CompareAndSwap(last, now)
}
