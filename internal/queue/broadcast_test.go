package queue_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/cache"
)

// cacheSubject is the subject of the peers under test.
const cacheSubject = "test.cache"

// A cachingProcess is a process with a cache, on a connection of its own.
type cachingProcess struct {
	cache *cache.Cache[string]
	peers *cache.Peers
	stop  func() // ends Run
}

// connectTo opens a connection to a broker.
func connectTo(t *testing.T, b *queue.Broker) *nats.Conn {
	t.Helper()
	conn, err := b.Connect(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// newCachingProcess starts a process with a cache.
func newCachingProcess(t *testing.T, b *queue.Broker) *cachingProcess {
	t.Helper()
	peers := cache.NewPeers(queue.NewBroadcast(connectTo(t, b), cacheSubject), slog.New(slog.DiscardHandler))
	c, err := cache.New(cache.Options[string]{MaxBytes: 1 << 20, Size: func(v string) int { return len(v) }, Fresh: peers.Fresh})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- peers.Run(ctx, c) }()
	stop := func() {
		cancel()
		if err, running := <-ended; running && err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(func() { cancel() })
	return &cachingProcess{cache: c, peers: peers, stop: stop}
}

// read reads the key k through the cache; a load returns value.
func (p *cachingProcess) read(t *testing.T, value string) cache.Result[string] {
	t.Helper()
	got, err := p.cache.Get(t.Context(), cache.Query[string]{
		Key: "k", Tags: []*cache.Tag{p.cache.Tag("a")}, TTL: time.Hour,
		Load: func(context.Context) (string, error) { return value, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// fill stores a value, as soon as the process uses its cache.
func (p *cachingProcess) fill(t *testing.T, value string) {
	t.Helper()
	until(t, func() bool { return p.read(t, value).Outcome == cache.Hit })
}

// TestAnnounce checks that a change is known to all processes once Announce has returned, and
// that entries with other tags stay.
func TestAnnounce(t *testing.T) {
	b := broker(t)
	processes := []*cachingProcess{newCachingProcess(t, b), newCachingProcess(t, b), newCachingProcess(t, b)}
	for _, p := range processes {
		until(t, func() bool { return p.peers.Len() == 2 })
	}
	for round := range 100 {
		for _, p := range processes {
			p.fill(t, "old")
		}
		changing := processes[round%3]
		changing.cache.Invalidate(0, "a")
		changing.peers.Announce(t.Context(), 0, "a")
		for i, p := range processes {
			if got := p.read(t, "new"); got.Value != "new" {
				t.Fatalf("round %d: process %d returned %q from the cache", round, i, got.Value)
			}
		}
		changing.cache.Invalidate(0, "a")
		changing.peers.Announce(t.Context(), 0, "a")
	}
	processes[0].fill(t, "kept")
	processes[1].peers.Announce(t.Context(), 0, "b")
	until(t, func() bool { return processes[0].read(t, "loaded").Outcome == cache.Hit })
	if got := processes[0].read(t, "loaded"); got.Value != "kept" {
		t.Errorf("a change of another tag made the entry stale: %+v", got)
	}
}

// TestHoldOfPeer checks that a change whose outcome is unknown keeps other processes from
// storing.
func TestHoldOfPeer(t *testing.T) {
	b := broker(t)
	one, other := newCachingProcess(t, b), newCachingProcess(t, b)
	until(t, func() bool { return one.peers.Len() == 1 && other.peers.Len() == 1 })
	other.fill(t, "old")
	one.peers.Announce(t.Context(), time.Minute, "a")
	for range 3 {
		if got := other.read(t, "new"); got.Outcome != cache.Bypass {
			t.Errorf("read during the hold: %+v", got)
		}
	}
}

// TestLostMessage checks that a process whose messages have a gap, or cannot be decoded, makes
// others clear their caches: a lost message may have been a change.
func TestLostMessage(t *testing.T) {
	for _, c := range []struct {
		name   string
		first  string // a message before the cache is filled
		second string // a message that clears it
	}{
		{"gap", `{"from":"x","number":1}`, `{"from":"x","number":3,"leaving":true}`},
		{"repeated", `{"from":"x","number":1}`, `{"from":"x","number":1,"leaving":true}`},
		{"unknown process that is not new", "", `{"from":"x","number":7,"leaving":true}`},
		{"malformed", "", `{"from":"x"}`},
		{"no JSON", "", `change`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := broker(t)
			conn := connectTo(t, b)
			p := newCachingProcess(t, b)
			p.fill(t, "old")
			if c.first != "" {
				publish(t, conn, c.first)
				until(t, func() bool { return p.peers.Len() == 1 })
			}
			publish(t, conn, c.second)
			until(t, func() bool {
				got := p.read(t, "new")
				return got.Outcome == cache.Hit && got.Value == "new"
			})
		})
	}
}

// TestSilentPeer checks that a process does not use its cache while a known peer acknowledges
// nothing, that a change does not wait for such a peer for longer than its lease, and that a
// peer that says goodbye is waited for no longer.
func TestSilentPeer(t *testing.T) {
	b := broker(t)
	conn := connectTo(t, b)
	p := newCachingProcess(t, b)
	p.fill(t, "old")
	publish(t, conn, `{"from":"x","number":1}`)
	until(t, func() bool { return p.peers.Len() == 1 })
	if got := p.read(t, "new"); got.Outcome != cache.Bypass {
		t.Errorf("read beside a silent peer: %+v", got)
	}
	publish(t, conn, `{"from":"x","number":2}`) // now it was heard
	before := time.Now()
	p.peers.Announce(t.Context(), 0, "a")
	t.Logf("a change waited for %s", time.Since(before))
	before = time.Now()
	for range 100 {
		p.peers.Announce(t.Context(), 0, "a")
	}
	if took := time.Since(before); took > 2*time.Second {
		t.Errorf("100 changes waited %s for a peer without a lease", took)
	}
	publish(t, conn, `{"from":"x","number":3,"leaving":true}`)
	until(t, func() bool { return p.peers.Len() == 0 })
	p.fill(t, "new")
}

// TestPeerLeaves checks that a process that ends says so, and does not use its cache any more.
func TestPeerLeaves(t *testing.T) {
	b := broker(t)
	one, other := newCachingProcess(t, b), newCachingProcess(t, b)
	until(t, func() bool { return one.peers.Len() == 1 && other.peers.Len() == 1 })
	one.fill(t, "old")
	one.stop()
	if got := one.read(t, "new"); got.Outcome != cache.Bypass {
		t.Errorf("read after the end: %+v", got)
	}
	until(t, func() bool { return other.peers.Len() == 0 })
	other.fill(t, "old")
}

// publish publishes a message as another process would.
func publish(t *testing.T, conn *nats.Conn, message string) {
	t.Helper()
	if err := conn.Publish(cacheSubject, []byte(message)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
}
