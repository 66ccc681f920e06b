package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// A cluster is three NATS servers with replicated streams.
type cluster struct{ servers []*server.Server }

// newCluster starts a cluster, and stops it at the end of the test.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	var ports []int
	var routes []string
	for range 3 {
		p := port(t)
		ports = append(ports, p)
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	c := &cluster{}
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		c.servers = append(c.servers, s)
	}
	until(t, func() bool {
		leaders := 0
		for _, s := range c.servers {
			if s.JetStreamIsLeader() {
				leaders++
			}
			if !s.JetStreamIsCurrent() || s.NumRoutes() == 0 {
				return false
			}
		}
		return leaders == 1
	})
	return c
}

// port reserves a free port for t until it ends, by holding the UDP port of the same
// number, as the tests of whole processes do.
func port(t *testing.T) int {
	t.Helper()
	for range 1000 {
		n := 20000 + rand.IntN(12000)
		addr := fmt.Sprintf("127.0.0.1:%d", n)
		held, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		free, err := net.Listen("tcp", addr)
		if err != nil {
			_ = held.Close()
			continue
		}
		t.Cleanup(func() { _ = held.Close() })
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatal("no port is free")
	return 0
}

// url returns the URLs of all servers.
func (c *cluster) url() string {
	var urls []string
	for _, s := range c.servers {
		urls = append(urls, s.ClientURL())
	}
	return strings.Join(urls, ",")
}

// open opens the queue as a process does.
func (c *cluster) open(t *testing.T, options queue.Options) *queue.Queue {
	t.Helper()
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	options.AckWait = time.Minute
	conn, err := queue.Dial(c.url(), options.Log)
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.Open(t.Context(), conn, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// replicas returns the number of replicas of the stream and of the bucket.
func (c *cluster) replicas(t *testing.T) [2]int {
	t.Helper()
	conn, err := queue.Dial(c.url(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	var found [2]int
	for i, name := range []string{"BONGSU_JOBS", "KV_BONGSU_PACES"} {
		until(t, func() bool {
			stream, err := js.Stream(t.Context(), name)
			if err == nil {
				found[i] = stream.CachedInfo().Config.Replicas
			}
			return err == nil
		})
	}
	return found
}

// use opens the stream and the bucket, which creates them if the process is the owner.
func use(t *testing.T, q *queue.Queue) {
	t.Helper()
	until(t, func() bool { _, err := q.Generation(t.Context()); return err == nil })
	until(t, func() bool { _, _, err := q.LimiterBucket().Load(t.Context(), "slack.credential.x"); return err == nil })
}

// TestReplicasStayR3 opens a queue of three replicas by processes without --replicas, and
// with a lower number: the replicas stay, the difference is logged, and jobs and slots
// survive the loss of a server.
func TestReplicasStayR3(t *testing.T) {
	c := newCluster(t)
	first := c.open(t, queue.Options{Owner: true, Replicas: 3})
	use(t, first)
	if got := c.replicas(t); got != [2]int{3, 3} {
		t.Fatalf("the first process has %v replicas", got)
	}
	var logged logtest.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	sender := c.open(t, queue.Options{})
	use(t, sender)
	use(t, c.open(t, queue.Options{Owner: true, Log: log}))
	if logged.String() != "" {
		t.Errorf("one without --replicas logged %s", logged.String())
	}
	use(t, c.open(t, queue.Options{Owner: true, Replicas: 1, Log: log}))
	if got := c.replicas(t); got != [2]int{3, 3} {
		t.Errorf("the replicas are %v", got)
	}
	if count := logged.Count("keeps its replicas"); count != 2 {
		t.Errorf("the difference is logged %d times:\n%s", count, logged.String())
	}

	l, stop := lanes(t, sender)
	defer stop()
	enqueue(t, first, sample(job.Normal, 10))
	take(t, l, 1)
	for _, s := range c.servers {
		if s.ClientURL() != first.Server() { // a client of another server does not need to reconnect
			s.Shutdown()
			break
		}
	}
	until(t, func() bool { return first.Enqueue(t.Context(), []job.Job{sample(job.Normal, 20)}, 5) == nil })
	for take(t, l, 1)[0].Jobs[0].AlertID != 20 {
	}
	p := ratelimit.New(sender.LimiterBucket(), time.Now, slog.New(slog.DiscardHandler))
	until(t, func() bool {
		slots, err := p.Reserve(t.Context(), ratelimit.Key{ID: "slack.credential.x", Rate: ratelimit.Rate{Count: 1, Per: time.Second}}, 1, false)
		return err == nil && len(slots) == 1
	})
}

// TestReplicasAreRaised raises one replica to three, and deletes the stream and bucket:
// they are recreated with three, by a process without --replicas.
func TestReplicasAreRaised(t *testing.T) {
	c := newCluster(t)
	use(t, c.open(t, queue.Options{Owner: true}))
	if got := c.replicas(t); got != [2]int{1, 1} {
		t.Fatalf("without --replicas there are %v replicas", got)
	}
	quiet := c.open(t, queue.Options{Owner: true})
	use(t, c.open(t, queue.Options{Owner: true, Replicas: 3}))
	if got := c.replicas(t); got != [2]int{3, 3} {
		t.Fatalf("they were not raised: %v", got)
	}
	use(t, quiet)
	deleteStreams(t, c)
	use(t, quiet)
	if got := c.replicas(t); got[0] != 3 {
		t.Errorf("the stream was recreated with %v replicas", got)
	}
}

// TestSenderWaitsForTheStream starts a sender without a queue: it creates none, is not
// ready, and takes jobs once the alert service has created the stream.
func TestSenderWaitsForTheStream(t *testing.T) {
	b := broker(t)
	log := slog.New(slog.DiscardHandler)
	join := func(options queue.Options) *queue.Queue {
		t.Helper()
		conn, err := b.Connect(log)
		if err != nil {
			t.Fatal(err)
		}
		options.AckWait, options.Log = time.Minute, log
		q, err := queue.Open(t.Context(), conn, options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(q.Close)
		return q
	}
	sender := join(queue.Options{})
	l, stop := lanes(t, sender)
	defer stop()
	if _, _, err := sender.LimiterBucket().Load(t.Context(), "slack.credential.x"); err == nil {
		t.Error("a sender made the bucket")
	}
	if _, err := sender.Generation(t.Context()); err == nil || sender.Ready(t.Context()) == nil {
		t.Errorf("a sender made the stream, or is ready without one: %v", err)
	}
	owner := join(queue.Options{Owner: true})
	enqueue(t, owner, sample(job.Normal, 10))
	take(t, l, 1)
	if err := sender.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReplicasWithoutCluster requests three replicas of a single server: the error names
// the flag.
func TestReplicasWithoutCluster(t *testing.T) {
	b := broker(t)
	log := slog.New(slog.DiscardHandler)
	conn, err := b.Connect(log)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, Replicas: 3, Log: log}); err == nil || !strings.Contains(err.Error(), "--replicas is 3") {
		t.Errorf("error %v", err)
	}
}

// deleteStreams deletes the stream and the bucket by another connection.
func deleteStreams(t *testing.T, c *cluster) {
	t.Helper()
	conn, err := queue.Dial(c.url(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, name := range []string{"BONGSU_JOBS", "KV_BONGSU_PACES"} {
		if err := js.DeleteStream(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
}
