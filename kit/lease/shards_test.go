package lease_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/lease"
)

const bucket = "LEASES"

// A broker is a NATS server that can be stopped and started again.
type broker struct {
	*server.Server
	options *server.Options
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{options: &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}}
	b.start(t)
	b.options.Port = b.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *broker) start(t *testing.T) {
	t.Helper()
	var err error
	b.Server, err = server.NewServer(b.options)
	kittest.NoError(t, err)
	b.Start()
	if !b.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
}

func (b *broker) stop() {
	b.Shutdown()
	b.WaitForShutdown()
}

// A link is the network between a member and the broker. It implements nats.CustomDialer.
type link struct {
	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

// Dial implements nats.CustomDialer.
func (l *link) Dial(network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return nil, errors.New("cut off")
	}
	conn, err := net.Dial(network, address)
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

// cut cuts the link, or mends it.
func (l *link) cut(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
	if away {
		for _, conn := range l.conns {
			_ = conn.Close()
		}
		l.conns = nil
	}
}

// A member is a process with shards.
type member struct {
	*lease.Shards
	link
	name  string
	conn  *nats.Conn
	leave func() // ends Run, and waits for it
}

func (b *broker) member(t *testing.T, name string) *member {
	t.Helper()
	m := &member{name: name}
	conn, err := nats.Connect(b.ClientURL(), nats.SetCustomDialer(&m.link), nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0))
	kittest.NoError(t, err)
	t.Cleanup(conn.Close)
	m.conn = conn
	m.Shards, err = lease.NewShards(conn, bucket, name, lease.Options{Log: slog.New(slog.DiscardHandler)})
	kittest.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	m.leave = sync.OnceFunc(func() {
		cancel()
		kittest.NoError(t, <-done)
	})
	t.Cleanup(m.leave)
	return m
}

// keys are so many that each shard has some.
var keys = func() (keys []string) {
	for i := range 1000 {
		keys = append(keys, fmt.Sprint("key", i))
	}
	return keys
}()

// A judge looks for keys that two members own.
type judge struct {
	t       *testing.T
	members []*member
}

// look takes who owns which key, and returns the number of keys that each member owns. It fails
// the test if two own one.
func (j *judge) look() map[string]int {
	counts := map[string]int{}
	for _, key := range keys {
		for _, m := range j.members {
			if !m.Owns(key) {
				continue
			}
			counts[m.name]++
			for _, other := range j.members {
				if other != m && other.Owns(key) && m.Owns(key) {
					j.t.Errorf("%s and %s own %s", m.name, other.name, key)
				}
			}
		}
	}
	return counts
}

// until looks until a condition of the number of keys by member is true, and fails the test if
// that takes longer than a time. It returns how long it took.
func (j *judge) until(limit time.Duration, what string, condition func(map[string]int) bool) time.Duration {
	j.t.Helper()
	begin := time.Now()
	for !condition(j.look()) {
		if time.Since(begin) > limit {
			j.t.Fatalf("after %s: %s, want %s", limit, fmt.Sprint(j.look()), what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(begin)
}

// during looks for a time.
func (j *judge) during(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; time.Sleep(5 * time.Millisecond) {
		j.look()
	}
}

// shared returns the condition that some members own all keys, and each a fair part.
func shared(names ...string) func(map[string]int) bool {
	return func(counts map[string]int) bool {
		sum := 0
		for _, name := range names {
			if counts[name] < len(keys)/len(names)/2 {
				return false
			}
			sum += counts[name]
		}
		return sum == len(keys)
	}
}

func nobody(counts map[string]int) bool { return len(counts) == 0 }

// TestMembers checks that members that join share the keys, and that the keys of one that is
// killed are taken over within 10 s, those of one that leaves at once.
func TestMembers(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	one := b.member(t, "one")
	j := &judge{t: t, members: []*member{one}}
	j.until(10*time.Second, "one alone", shared("one"))
	two, three := b.member(t, "two"), b.member(t, "three")
	j.members = append(j.members, two, three)
	j.until(5*time.Second, "three", shared("one", "two", "three"))
	j.during(3 * time.Second)

	two.conn.Close()
	took := j.until(10*time.Second, "two after one was killed", shared("one", "three"))
	t.Logf("taken over %s after it was killed", took.Round(time.Millisecond))

	three.leave()
	took = j.until(time.Second, "one after another has left", shared("one"))
	t.Logf("taken over %s after it has left", took.Round(time.Millisecond))
	owned, of, members := one.Share()
	kittest.Equal(t, []int{owned, of, members}, []int{64, 64, 1})
}

// TestBrokerAway checks that nobody owns a key while the broker is away, and that it goes on
// after it.
func TestBrokerAway(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	j := &judge{t: t, members: []*member{b.member(t, "one"), b.member(t, "two"), b.member(t, "three")}}
	j.until(15*time.Second, "three", shared("one", "two", "three"))
	b.stop()
	took := j.until(6500*time.Millisecond, "nobody", nobody)
	t.Logf("nobody owns a key %s after the broker has stopped", took.Round(time.Millisecond))
	for begin := time.Now(); time.Since(begin) < 14*time.Second; time.Sleep(5 * time.Millisecond) {
		if counts := j.look(); !nobody(counts) {
			t.Fatalf("while the broker is away: %v", counts)
		}
	}
	b.start(t)
	took = j.until(15*time.Second, "three", shared("one", "two", "three"))
	t.Logf("shared %s after the broker has started", took.Round(time.Millisecond))
	j.during(time.Second)
}

// TestMemberCutOff checks that the keys of a member that is cut off are taken over, while it
// takes part again after that.
func TestMemberCutOff(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	one, two := b.member(t, "one"), b.member(t, "two")
	j := &judge{t: t, members: []*member{one, two}}
	j.until(15*time.Second, "two", shared("one", "two"))

	one.cut(true)
	time.Sleep(time.Second)
	one.cut(false)
	j.during(5 * time.Second)
	if !shared("one", "two")(j.look()) {
		t.Errorf("after a second without a network: %v", j.look())
	}

	one.cut(true)
	j.until(10*time.Second, "the other one", shared("two"))
	one.cut(false)
	j.until(10*time.Second, "both", shared("one", "two"))
}

// TestBucketLost checks that members share a bucket that is created anew, after the time in which
// those of the lost one may own keys.
func TestBucketLost(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	one, two := b.member(t, "one"), b.member(t, "two")
	j := &judge{t: t, members: []*member{one, two}}
	j.until(15*time.Second, "two", shared("one", "two"))
	js, err := jetstream.New(one.conn)
	kittest.NoError(t, err)
	kittest.NoError(t, js.DeleteKeyValue(t.Context(), bucket))
	j.until(8*time.Second, "nobody", nobody)
	j.until(20*time.Second, "both", shared("one", "two"))
}

// TestChanged checks that each change of what a process owns closes the channel before, also one
// by the end of its lease.
func TestChanged(t *testing.T) {
	t.Parallel()
	one := startBroker(t).member(t, "one")
	awaitOwns(t, one, true)
	one.cut(true)
	awaitOwns(t, one, false)
}

// awaitOwns waits for the change after which a member owns a key, or owns it no more.
func awaitOwns(t *testing.T, m *member, want bool) {
	t.Helper()
	timeout := time.After(12 * time.Second)
	for changed := m.Changed(); m.Owns("key1") != want; changed = m.Changed() {
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("no change after which Owns is %t", want)
		}
	}
}

// TestAll checks that a process alone owns all keys.
func TestAll(t *testing.T) {
	var all lease.All
	kittest.Equal(t, all.Owns("key"), true)
	kittest.Equal(t, all.Changed() == nil, true)
}
