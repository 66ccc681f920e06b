package monitor_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/lease"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// startBroker starts a NATS server and returns its URL.
func startBroker(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	kittest.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s.ClientURL()
}

// A sharer is a process that shares the monitors of a store with others.
type sharer struct {
	conn  *nats.Conn
	leave func() // ends it as a process that is stopped
}

// startSharer starts a process that shares the monitors of p.
func startSharer(t *testing.T, p *process, url string) *sharer {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	conn, err := nats.Connect(url, nats.MaxReconnects(-1))
	kittest.NoError(t, err)
	t.Cleanup(conn.Close)
	shards, err := lease.NewShards(conn, "LEASES", "test", lease.Options{Log: log})
	kittest.NoError(t, err)
	conditions := &monitor.ConditionTracker{Store: p.store, Now: time.Now, Log: log}
	scheduler := &monitor.Scheduler{
		Store: p.store, Runner: p.targets, Shards: shards, Conditions: conditions, Notify: func() {}, Now: time.Now, Log: log,
	}
	stopLeases, stop := runPart(t, shards.Run), runPart(t, conditions.Run, scheduler.Run)
	s := &sharer{conn: conn, leave: func() {
		stop()
		stopLeases()
	}}
	t.Cleanup(s.leave)
	return s
}

// runPart runs parts of a process, and returns what ends them.
func runPart(t *testing.T, parts ...func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	for _, part := range parts {
		all.Go(func() { kittest.NoError(t, part(ctx)) })
	}
	return sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
}

// sharedCount is the number of monitors that processes share.
const sharedCount = 60

// awaitChecks waits until all targets were checked after a time, and returns how long after it that
// was.
func (p *process) awaitChecks(t *testing.T, after time.Time, limit time.Duration) (last time.Duration) {
	t.Helper()
	for i := range sharedCount {
		name := fmt.Sprint("m", i)
		for {
			begins := p.targets.checks(name)
			if len(begins) > 0 && begins[len(begins)-1].After(after) {
				break
			}
			if time.Since(after) > limit {
				t.Fatalf("%s is not checked within %s", name, limit)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return time.Since(after)
}

// TestSharers checks that of several processes one runs each check, never two at once, and that the
// checks of one that is cut off go on in others within 10 s, those of one that is stopped at once.
func TestSharers(t *testing.T) {
	t.Parallel()
	p := newProcess(t, filepath.Join(t.TempDir(), "monitor.db"))
	for i := range sharedCount {
		name := fmt.Sprint("m", i)
		p.create(t, name, func(s *monitor.Settings) { s.Interval, s.Timeout = time.Second, time.Second })
		p.targets.set(name, false, 500*time.Millisecond)
	}
	url := startBroker(t)
	first, second := startSharer(t, p, url), startSharer(t, p, url)
	startSharer(t, p, url)
	p.awaitChecks(t, time.Now(), 15*time.Second)
	p.awaitChecks(t, time.Now(), 5*time.Second)

	first.conn.Close()
	// It may run checks for 6 s: those that begin later are of the others.
	took := 6*time.Second + p.awaitChecks(t, time.Now().Add(6*time.Second), 5*time.Second)
	t.Logf("all are checked %s after one was cut off", took.Round(time.Millisecond))

	second.leave()
	took = p.awaitChecks(t, time.Now(), 5*time.Second)
	t.Logf("all are checked %s after one was stopped", took.Round(time.Millisecond))
	kittest.Equal(t, p.targets.twice, []string(nil))
}
