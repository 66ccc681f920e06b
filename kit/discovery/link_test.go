package discovery_test

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// patience is the timeout of a wait.
const patience = 30 * time.Second

// A link is the way to a broker, which can be cut and mended, and lead to another broker.
type link struct {
	mu     sync.Mutex
	server *server.Server // nil while the link is cut
	conns  []net.Conn
}

// newLink returns a link to a new broker.
func newLink(t *testing.T) *link {
	t.Helper()
	return &link{server: startServer(t)}
}

// InProcessConn implements nats.InProcessConnProvider.
func (l *link) InProcessConn() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return nil, errors.New("link is cut")
	}
	conn, err := l.server.InProcessConn()
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

// branch returns another link to the same broker, which is cut and mended alone.
func (l *link) branch() *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &link{server: l.server}
}

// cut cuts the link.
func (l *link) cut() { l.lead(nil) }

// lead makes the link lead to a broker.
func (l *link) lead(s *server.Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = s
	for _, conn := range l.conns {
		_ = conn.Close() // it may have ended
	}
	l.conns = nil
}

func startServer(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	kittest.NoError(t, err)
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func connect(t *testing.T, l *link) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(l), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(5*time.Millisecond), nats.ReconnectJitter(0, 0))
	kittest.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// openBucket returns the registry as a process with a clock and a log of its own uses it; nil
// means the real clock and no log.
func openBucket(t *testing.T, l *link, c *clock, log *slog.Logger) *discovery.Bucket {
	t.Helper()
	options := discovery.Options{Log: log}
	if log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if c != nil {
		options.Now, options.After = c.Now, c.After
	}
	bucket, err := discovery.OpenBucket(connect(t, l), options)
	kittest.NoError(t, err)
	return bucket
}

// A clock is a clock that stands still until it is advanced. It starts at any time.
type clock struct {
	others  int // goroutines that use it, besides one
	mu      sync.Mutex
	now     time.Time
	waiters []waiter
	waiting chan struct{} // closed with the next waiter
}

type waiter struct {
	due  time.Time
	fire chan time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), waiting: make(chan struct{})}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	fire := make(chan time.Time, 1)
	c.waiters = append(c.waiters, waiter{c.now.Add(d), fire})
	close(c.waiting)
	c.waiting = make(chan struct{})
	return fire
}

// advance waits until all goroutines that use the clock wait for it, advances it by a second, and
// waits again. The process has then done what was due.
func (c *clock) advance(t *testing.T) {
	t.Helper()
	c.settle(t)
	c.mu.Lock()
	c.now = c.now.Add(time.Second)
	var left []waiter
	for _, w := range c.waiters {
		if w.due.After(c.now) {
			left = append(left, w)
			continue
		}
		w.fire <- c.now
	}
	c.waiters = left
	c.mu.Unlock()
	c.settle(t)
}

// settle waits until all goroutines that use the clock wait for it.
func (c *clock) settle(t *testing.T) {
	t.Helper()
	timeout := time.After(patience)
	for {
		c.mu.Lock()
		settled, waiting := len(c.waiters) > c.others, c.waiting
		c.mu.Unlock()
		if settled {
			return
		}
		select {
		case <-waiting:
		case <-timeout:
			t.Fatalf("not enough waits for the clock within %s", patience)
		}
	}
}
