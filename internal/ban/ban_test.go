package ban_test

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/internal/ban/bantest"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

func TestMemory(t *testing.T) {
	bantest.Run(t, func(_ *testing.T, now func() time.Time) (here, there ban.Bans) {
		m := ban.NewMemory(now)
		return m, m
	}, until)
}

func TestBucket(t *testing.T) {
	bantest.Run(t, func(t *testing.T, now func() time.Time) (here, there ban.Bans) {
		s := startServer(t)
		return openBucket(t, s, now), openBucket(t, s, now)
	}, until)
}

// TestBucketVanishes loses the bucket, as with a restart of the broker: bans follow in the
// next one.
func TestBucketVanishes(t *testing.T) {
	s, clock := startServer(t), bantest.NewClock()
	here, there := openBucket(t, s, clock.Now), openBucket(t, s, clock.Now)
	client, other := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("203.0.113.10")
	here.Add(client, time.Hour)
	until(t, func() bool { _, banned := there.Find(client); return banned })

	js, err := jetstream.New(connect(t, s))
	kittest.NoError(t, err)
	kittest.NoError(t, js.DeleteKeyValue(t.Context(), "BONGSU_BANS"))
	until(t, func() bool { _, banned := there.Find(client); return !banned })
	here.Add(other, time.Hour)
	until(t, func() bool { _, banned := there.Find(other); return banned })
	kittest.NoError(t, there.Lift(t.Context(), other))
}

// TestBucketUnreachable bans while the broker is away: the ban holds here, and is shared once
// the broker is back.
func TestBucketUnreachable(t *testing.T) {
	s, clock := startServer(t), bantest.NewClock()
	dial := &dialer{server: s}
	conn := dial.connect(t)
	here, there := openOn(t, conn, clock.Now), openBucket(t, s, clock.Now)
	client := netip.MustParseAddr("203.0.113.9")

	dial.cut.Store(true)
	kittest.NoError(t, conn.ForceReconnect())
	until(t, func() bool { return !conn.IsConnected() })
	if _, ok := here.Add(client, time.Hour); !ok {
		t.Fatal("not banned")
	}
	if _, banned := here.Find(client); !banned {
		t.Error("the ban does not hold without the broker")
	}
	_, err := here.List(t.Context())
	kittest.Error(t, err, fault.ErrUnavailable, "NATS")
	kittest.Error(t, here.Lift(t.Context(), client), fault.ErrUnavailable)
	if _, banned := here.Find(client); !banned {
		t.Error("a Lift that failed had an effect")
	}
	dial.cut.Store(false)
	until(t, func() bool { _, banned := there.Find(client); return banned })
}

func TestNetworkOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":               "192.0.2.1/32",
		"::ffff:192.0.2.1":        "192.0.2.1/32",
		"2001:db8::1":             "2001:db8::/64",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"fe80::1%eth0":            "fe80::/64",
		"::ffff:192.0.2.1%eth0.1": "192.0.2.1/32",
	} {
		kittest.Equal(t, ban.NetworkOf(netip.MustParseAddr(addr)).String(), want)
	}
	if ban.NetworkOf(netip.Addr{}).IsValid() {
		t.Error("an invalid address has a network")
	}
}

// BenchmarkFind measures the check of every request, without bans and with many.
func BenchmarkFind(b *testing.B) {
	for name, banned := range map[string]int{"nobody": 0, "10000": 10_000} {
		b.Run(name, func(b *testing.B) {
			m := ban.NewMemory(time.Now)
			for i := range banned {
				m.Add(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), time.Hour)
			}
			client := netip.MustParseAddr("203.0.113.9")
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, banned := m.Find(client); banned {
						b.Error("banned")
					}
				}
			})
		})
	}
}

// patience is the timeout of a wait.
const patience = 30 * time.Second

// until waits until a condition is true, which it checks again and again.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(patience)
	for !condition() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("condition is not true within %s", patience)
		}
	}
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

func openBucket(t *testing.T, s *server.Server, now func() time.Time) *ban.Bucket {
	t.Helper()
	return openOn(t, connect(t, s), now)
}

// openOn returns a bucket that follows the bans until the test ends.
func openOn(t *testing.T, conn *nats.Conn, now func() time.Time) *ban.Bucket {
	t.Helper()
	b, err := ban.NewBucket(conn, ban.Options{Now: now, Log: slog.New(slog.DiscardHandler)})
	kittest.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		kittest.NoError(t, <-ended)
		conn.Close()
	})
	until(t, func() bool { _, err := b.List(t.Context()); return err == nil })
	return b
}
