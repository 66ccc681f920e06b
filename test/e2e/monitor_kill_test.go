package e2e

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/types/known/durationpb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

func (d deployment) heartbeats() monitorv1connect.HeartbeatServiceClient {
	return monitorv1connect.NewHeartbeatServiceClient(http.DefaultClient, d.edge)
}

// createHeartbeat creates a heartbeat whose alarms reach the first user by Slack.
func (d deployment) createHeartbeat(t *testing.T, name string, period time.Duration) {
	t.Helper()
	d.createMonitor(t, &monitorv1.MonitorSettings{
		Name: name, Target: []string{"@user1"}, By: []string{"slack"},
		Check: &monitorv1.MonitorSettings_Heartbeat{Heartbeat: &monitorv1.HeartbeatCheck{Period: durationpb.New(period)}},
	})
}

// ping sends a ping with a body, and returns when the next one is late.
func (d deployment) ping(ctx context.Context, name, body string) (due time.Time, err error) {
	res, err := d.heartbeats().SendHeartbeat(ctx, &monitorv1.SendHeartbeatRequest{Name: name, Body: &httpbody.HttpBody{ContentType: "text/plain", Data: []byte(body)}})
	return res.GetDueTime().AsTime(), err
}

// pings returns the number of pings of a heartbeat by their body.
func (d deployment) pings(t *testing.T, name string) map[string]int {
	t.Helper()
	counts, token := map[string]int{}, ""
	for {
		res, err := d.heartbeats().ListPings(t.Context(), &monitorv1.ListPingsRequest{Name: name, PageSize: 200, PageToken: token})
		must(t, err)
		for _, p := range res.GetPings() {
			counts[string(p.GetBody())]++
		}
		if token = res.GetNextPageToken(); token == "" {
			return counts
		}
	}
}

// TestHeartbeatKill kills the process while heartbeats are received, between the last ping and the
// time at which it is late, and right after that: no ping that was answered is lost, and each late
// heartbeat is alarmed once.
func TestHeartbeatKill(t *testing.T) {
	t.Parallel()
	d := deployment{mockup: binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]}
	addr := fmt.Sprintf("127.0.0.1:%d", proc.Port(t))
	args := []string{"--data=" + t.TempDir(), "--demo-data", "--edge-addr=" + addr, "--provider-url=" + d.mockup}
	start := func() *proc.Process {
		p := binaries.Serve(t, args...)
		d.edge = p.URLs(t, 1)["edge"]
		awaitReady(t, d.edge, true)
		return p
	}
	p := start()
	kill := func() {
		p.Kill()
		p = start()
	}

	// While pings are received.
	const stopped, known = "stopped", "known"
	steady := make([]string, testenv.Pick(2, 20))
	for round := range steady {
		steady[round] = fmt.Sprintf("steady-%d", round)
		d.createHeartbeat(t, steady[round], time.Hour)
		pinger := d.startPinging(t, steady[round])
		pinger.awaitMore(t, 10)
		kill()
		pinger.awaitMore(t, 10)
		answered, stored := pinger.stop(), d.pings(t, steady[round])
		for _, body := range answered {
			if stored[body] != 1 {
				t.Errorf("%s: ping %s was answered and is stored %d times", steady[round], body, stored[body])
			}
		}
		t.Logf("%s: %d pings were answered, %d are stored", steady[round], len(answered), len(stored))
	}

	// Between the last ping and the time at which the heartbeat is late.
	d.createHeartbeat(t, stopped, time.Second)
	due, err := d.ping(t.Context(), stopped, "the last one")
	must(t, err)
	p.Kill()
	if wait := time.Until(due); wait > 0 {
		time.Sleep(wait + 100*time.Millisecond) // the process is away at that time
	}
	p = start()
	restarted := time.Now()
	late := d.firstResult(t, stopped, due, func(r *monitorv1.Result) bool { return r.GetState() == isDown })
	requireWithin(t, "late", restarted, late, 2*time.Second)
	d.awaitMessage(t, stopped+" is down")

	// Right after it is found to be late.
	d.createHeartbeat(t, known, time.Second)
	due, err = d.ping(t.Context(), known, "the last one")
	must(t, err)
	late = d.firstResult(t, known, due.Add(-time.Second), func(r *monitorv1.Result) bool { return r.GetState() == isDown })
	kill()
	if at := late.GetTime().AsTime(); at.Before(due) {
		t.Errorf("late at %s, before it was due at %s", at, due)
	}
	requireWithin(t, "late", due, late, 2*time.Second)
	d.awaitMessage(t, known+" is down")
	for _, name := range []string{stopped, known} {
		if _, err := d.ping(t.Context(), name, "it is back"); err != nil {
			t.Error(err)
		}
		d.awaitMessage(t, name+" is up again after ")
	}
	d.settle(t)
	d.alarmedOnce(t, stopped)
	if firing, resolved := d.alertsOf(t, known); firing != 1 || resolved != 1 { // its message may be a possible duplicate
		t.Errorf("%s: %d alerts and %d resolutions, want one of each", known, firing, resolved)
	}
	for _, name := range steady {
		d.neverAlarmed(t, name)
	}
}

// maxPings is how many pings of a pinger are answered: not all of more are kept.
const maxPings = 90

// A pinger sends pings one after the other.
type pinger struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu       sync.Mutex
	answered []string
}

func (d deployment) startPinging(t *testing.T, name string) *pinger {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &pinger{cancel: cancel}
	p.ended.Go(func() {
		for n := 0; ctx.Err() == nil && p.count() < maxPings; n++ {
			body := strconv.Itoa(n) // each is sent once: without an answer it may be stored or not
			timed, cancel := context.WithTimeout(ctx, 5*time.Second)
			_, err := d.ping(timed, name, body)
			cancel()
			if err == nil {
				p.mu.Lock()
				p.answered = append(p.answered, body)
				p.mu.Unlock()
				continue
			}
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *pinger) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.answered)
}

// awaitMore waits until more pings were answered.
func (p *pinger) awaitMore(t *testing.T, more int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for want := p.count() + more; p.count() < want; {
		look(ctx, t)
	}
}

// stop stops it, and returns the bodies of the pings that were answered.
func (p *pinger) stop() []string {
	p.cancel()
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered
}

// A countingTarget records the checks of monitors, each of which has its own path.
type countingTarget struct {
	url string

	mu       sync.Mutex
	running  map[string]int
	begins   map[string][]time.Time
	overlaps []string // paths that were checked twice at once
}

func startCountingTarget(t *testing.T) *countingTarget {
	t.Helper()
	c := &countingTarget{running: map[string]int{}, begins: map[string][]time.Time{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// ServeHTTP implements http.Handler.
func (c *countingTarget) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.begins[r.URL.Path] = append(c.begins[r.URL.Path], time.Now())
	if c.running[r.URL.Path]++; c.running[r.URL.Path] > 1 {
		c.overlaps = append(c.overlaps, r.URL.Path)
	}
	c.mu.Unlock()
	select {
	case <-time.After(50 * time.Millisecond): // so that overlaps are seen
	case <-r.Context().Done():
	}
	c.mu.Lock()
	c.running[r.URL.Path]--
	c.mu.Unlock()
}

// since returns the first check of each path after a time.
func (c *countingTarget) since(after time.Time) map[string]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := map[string]time.Time{}
	for path, begins := range c.begins {
		for _, at := range begins {
			if at.After(after) {
				first[path] = at
				break
			}
		}
	}
	return first
}

// check requires that no path was checked twice at once, or more often than its interval allows: a
// check is at most an interval late, and then there are two within one.
func (c *countingTarget) check(t *testing.T, interval time.Duration) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.overlaps) > 0 {
		t.Errorf("%d checks ran while another one of their monitor did: %q", len(c.overlaps), c.overlaps)
	}
	count, often, closest := 0, 0, time.Duration(math.MaxInt64)
	for path, begins := range c.begins {
		count += len(begins)
		for i := range max(len(begins)-2, 0) {
			span := begins[i+2].Sub(begins[i])
			closest = min(closest, span)
			if span < interval {
				if often++; often < 5 {
					t.Errorf("%s: three checks within %s", path, span)
				}
			}
		}
	}
	t.Logf("%d checks of %d monitors, the closest three within %s, %d too often", count, len(c.begins), closest, often)
}

// TestMonitorTakeover runs the checks of many monitors in two processes: no check runs twice at once
// or too often. One is killed: the other one takes all of its monitors over.
func TestMonitorTakeover(t *testing.T) {
	t.Parallel()
	const monitors, interval, maxTakeover = 200, time.Second, 10 * time.Second
	target := startCountingTarget(t)
	_, nats := binaries.NATS(t, t.TempDir(), -1)
	database, key := postgrestest.URL(t), makeKey(t)
	serve := func(services string, more ...string) *proc.Process {
		args := append([]string{"--services=" + services, "--data=" + t.TempDir(), "--nats-url=" + nats, "--seal-key-file=" + key, "--monitor-addr=127.0.0.1:0"}, anywhere...)
		return binaries.Serve(t, append(args, more...)...)
	}
	startMonitor := func() *proc.Process {
		p := serve("monitor", "--monitor-url="+database, "--monitor-private")
		p.URLs(t, 1)
		return p
	}
	d := deployment{edge: serve("edge,directory,alert,incident,sender").URLs(t, 4)["edge"]}
	running := []*proc.Process{startMonitor()}
	awaitReady(t, d.edge, true)
	awaitInstances(t, d.edge, "a monitor service", func(all []instance) bool { return countStates(all)["monitor serving"] == 1 })
	for n := range monitors {
		s := watching(fmt.Sprintf("check-%d", n), interval)
		s.Target = nil
		s.Check = &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{Url: fmt.Sprintf("%s/%d", target.url, n)}}
		d.createMonitor(t, s)
	}
	target.awaitAll(t, monitors, time.Now())

	running = append(running, startMonitor()) // takes a half over
	awaitInstances(t, d.edge, "two monitor services", func(all []instance) bool { return countStates(all)["monitor serving"] == 2 })
	for range testenv.Pick(1, 6) {
		time.Sleep(5 * time.Second) // the shards are handed over, and both run checks
		target.awaitAll(t, monitors, time.Now())
		killed := time.Now()
		running[0].Kill()
		firsts := target.awaitAll(t, monitors, killed)
		taken, longest := 0, time.Duration(0)
		for path, first := range firsts {
			took := first.Sub(killed)
			longest = max(longest, took)
			if took > 3*interval {
				taken++
			}
			if took > maxTakeover+interval {
				t.Errorf("%s was taken over after %s", path, took)
			}
		}
		t.Logf("%d of %d monitors were taken over, the last one after %s", taken, monitors, longest)
		if taken < monitors/5 || taken > monitors*4/5 {
			t.Errorf("%d of %d monitors were taken over, want about a half", taken, monitors)
		}
		running = []*proc.Process{running[1], startMonitor()}
	}
	for _, p := range running {
		if logged := p.Log(); strings.Contains(logged, `"level":"ERROR"`) {
			t.Errorf("a process logged an error:\n%s", logged)
		}
	}
	target.check(t, interval)
}

// awaitAll waits until each of a number of monitors was checked after a time, and returns when it was
// first.
func (c *countingTarget) awaitAll(t *testing.T, monitors int, after time.Time) map[string]time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		first := c.since(after)
		if len(first) == monitors {
			return first
		}
		if ctx.Err() != nil {
			t.Fatalf("%d of %d monitors were checked within %s", len(first), monitors, proc.Patience)
		}
		time.Sleep(50 * time.Millisecond) // between polls of another process
	}
}
