package cluster

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/test/judge"
)

// The targets.
const (
	// maxRecovery is the longest time until alerts are accepted and delivered at enough of the
	// rate before a fault.
	maxRecovery = 10 * time.Second
	// afterElection is the longest such time after the stream of jobs has another leader:
	// servers of NATS elect one 4 to 9 s after the last one fell silent.
	afterElection = 4 * time.Second
	// bound is the time in which all deliveries must be completed after the last fault.
	bound = 90 * time.Second
)

// The course of a fault, in the short and the long form.
var (
	alertsPerSecond = pick(20, 30)
	calm            = pick(2*time.Second, 8*time.Second)  // load before it
	down            = pick(time.Second, 4*time.Second)    // until a killed process is started again
	cutOff          = pick(5*time.Second, 20*time.Second) // until a node is healed
	last            = pick(time.Second, 10*time.Second)   // load after its end, at least
)

func pick[V any](usual, full V) V {
	if long {
		return full
	}
	return usual
}

// A fault is something that goes wrong under load.
type fault struct {
	name string
	// silent says that no caller may see an error, even at the first attempt.
	silent bool
	// namespaces says that it needs network namespaces.
	namespaces bool
	// rolling says that it is many small faults, one after the other.
	rolling bool
	// onlyLong says that the short form is without it.
	onlyLong bool
	do       func(t *testing.T, c *cluster, o *outage)
}

// An outage is a fault that happens.
type outage struct {
	rng   *rand.Rand
	edges map[int][]span // when an edge was away, by its number
	// elected is when the stream of jobs had another leader. Zero if it did not lose one.
	elected time.Time
}

// during records that a process is away while do runs.
func (o *outage) during(p *process, do func()) {
	start := time.Now()
	do()
	if p.kind == "edge" {
		o.edges[p.number] = append(o.edges[p.number], span{start, time.Now()})
	}
}

var faults = []fault{
	{name: "kill a sender", silent: true, do: killed("sender")},
	{name: "kill an alert service", silent: true, do: killed("alert")},
	{name: "kill a directory service", silent: true, do: killed("directory")},
	{name: "kill an access service", silent: true, do: killed("access")},
	{name: "kill an edge", silent: true, do: killed("edge")},
	{name: "kill the NATS leader", silent: true, do: func(t *testing.T, c *cluster, o *outage) { o.loseLeader(t, c, o.kill) }},
	{name: "cut off an alert service", namespaces: true, do: isolated("alert")},
	{name: "cut off a sender", namespaces: true, onlyLong: true, do: isolated("sender")},
	{name: "cut off a directory service", namespaces: true, onlyLong: true, do: isolated("directory")},
	{name: "cut off an edge", namespaces: true, onlyLong: true, do: isolated("edge")},
	{name: "cut off the NATS leader", namespaces: true, onlyLong: true, do: func(t *testing.T, c *cluster, o *outage) { o.loseLeader(t, c, o.isolate) }},
	{name: "restart PostgreSQL", do: func(t *testing.T, c *cluster, _ *outage) {
		must(t, c.database.Crash(t.Context(), func() {}))
	}},
	{name: "roll processes to another build", silent: true, rolling: true, do: roll},
}

// killed returns a fault that kills a random process of a kind, and starts it again.
func killed(kind string) func(*testing.T, *cluster, *outage) {
	return func(t *testing.T, c *cluster, o *outage) { o.kill(t, c.anyOf(o.rng, kind)) }
}

func (o *outage) kill(t *testing.T, p *process) {
	t.Helper()
	t.Logf("kill %s", p.name)
	o.during(p, func() {
		p.Kill()
		wait(t.Context(), down)
		p.start(t)
	})
}

// isolated returns a fault that cuts a random node of a kind off, and heals it.
func isolated(kind string) func(*testing.T, *cluster, *outage) {
	return func(t *testing.T, c *cluster, o *outage) { o.isolate(t, c.anyOf(o.rng, kind)) }
}

func (o *outage) isolate(t *testing.T, p *process) {
	t.Helper()
	t.Logf("cut off %s", p.name)
	o.during(p, func() {
		p.cut(t)
		wait(t.Context(), cutOff)
		p.heal(t)
	})
}

// roll replaces processes by another build, one after the other, as docs/operate.md says:
// senders first. The short form replaces one of each kind.
func roll(t *testing.T, c *cluster, o *outage) {
	var rolled []*process
	for _, kind := range []string{"sender", "alert", "directory", "access", "edge"} {
		found := c.of(kind)
		rolled = append(rolled, found[:pick(1, len(found))]...)
	}
	for _, p := range rolled {
		o.during(p, func() {
			if err := p.Stop(t); err != nil {
				t.Errorf("%s ended with %v", p.name, err)
			}
			p.program = nextBongsu
			p.start(t)
		})
	}
	c.hasVersion(t, nextVersion, len(rolled))
}

// hasVersion checks that the registry has all processes, and how many are of a version.
func (c *cluster) hasVersion(t *testing.T, version string, want int) {
	t.Helper()
	res, err := registryv1connect.NewRegistryServiceClient(c.client(), c.of("edge")[0].url).ListInstances(t.Context(), &registryv1.ListInstancesRequest{})
	must(t, err)
	serving, found := 0, 0
	for _, instance := range res.GetInstances() {
		if instance.GetState() != registryv1.InstanceState_INSTANCE_STATE_SERVING {
			continue
		}
		serving++
		if instance.GetVersion() == version {
			found++
		}
	}
	if serving != len(c.processes) || found != want {
		t.Errorf("%d processes are serving, %d of them of version %s; want %d and %d: %v", serving, found, version, len(c.processes), want, res.GetInstances())
	}
}

// A round is a fault that was made under load.
type round struct {
	fault
	load              *load
	outage            *outage
	start, begin, end time.Time // of the load, of the fault, and of the load
}

// TestFaults makes the faults, one after the other, and checks the targets: no alert that was
// accepted is lost, no duplicate is unmarked, no caller sees an error, and the rate is soon as
// before.
func TestFaults(t *testing.T) {
	needCluster(t)
	c := newCluster(t, size{edges: 2, directories: 2, accesses: 2, alerts: 2, senders: 4})
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("BONGSU_CLUSTER_SEED=%d", seed)
	var rounds []*round
	for _, f := range faults {
		if f.onlyLong && !long || !strings.Contains(f.name, os.Getenv("BONGSU_CLUSTER_FAULT")) {
			continue
		}
		if f.namespaces && !namespaced {
			t.Logf("%s: skipped without network namespaces, which root may make", f.name)
			continue
		}
		rounds = append(rounds, c.run(t, f, rng))
	}
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	all, err := judge.Ended(ctx, alertv1connect.NewAlertServiceClient(c.client(), c.of("edge")[0].url))
	must(t, err)
	calls, err := c.mockup().ListCalls(t.Context(), &mockupv1.ListCallsRequest{})
	must(t, err)
	seen, err := judge.ByDelivery(calls.GetCalls())
	must(t, err)
	for _, r := range rounds {
		t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) { results.add(r.judge(t, all, seen)) })
	}
	for key, calls := range seen {
		t.Errorf("the fake received %d calls for %v, which no caller sent", len(calls), key)
	}
}

// run makes a fault under load.
func (c *cluster) run(t *testing.T, f fault, rng *rand.Rand) *round {
	t.Helper()
	r := &round{
		fault: f, outage: &outage{rng: rand.New(rand.NewPCG(seed, rng.Uint64())), edges: map[int][]span{}},
		load: &load{prefix: f.name, rng: rand.New(rand.NewPCG(seed, rng.Uint64()))}, start: time.Now(),
	}
	for _, edge := range c.of("edge") {
		r.load.edges = append(r.load.edges, alertv1connect.NewAlertServiceClient(c.client(), edge.url))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.load.run(ctx, alertsPerSecond)
	}()
	wait(ctx, calm)
	r.begin = time.Now()
	f.do(t, c, r.outage)
	wait(ctx, last)
	for !c.recovered(r) && time.Since(r.begin) < maxRecovery+afterElection {
		wait(ctx, step)
	}
	wait(ctx, window)
	r.end = time.Now()
	cancel()
	<-ended
	return r
}

// measured returns from when the rates of a round count: the first alerts open connections.
func (r *round) measured() time.Time { return r.start.Add(calm / 3) }

// recovered reports whether alerts are accepted and sent at enough of the rate before a fault.
func (c *cluster) recovered(r *round) bool {
	return reached(r.load.accepted(), r.measured(), r.begin) && reached(c.sent.all(), r.measured(), r.begin)
}

// judge judges a round. It takes the calls of the round out of seen.
func (r *round) judge(t *testing.T, all []*alertv1.GetAlertResponse, seen map[judge.CallKey][]*mockupv1.Call) result {
	t.Helper()
	var mine []*alertv1.GetAlertResponse
	calls := map[judge.CallKey][]*mockupv1.Call{}
	var sent []time.Time
	for _, a := range all {
		if strings.HasPrefix(a.GetAlert().GetMessage(), r.load.prefix+": ") {
			mine = append(mine, a)
		}
	}
	for key, some := range seen {
		if !strings.Contains(key.Text, "] "+r.load.prefix+": ") {
			continue
		}
		calls[key] = some
		delete(seen, key)
		for _, call := range some {
			if judge.Accepted(call) {
				sent = append(sent, call.GetTime().AsTime())
			}
		}
	}
	res := result{name: r.name, rolling: r.rolling, accepted: len(r.load.accepted()), slowest: r.load.slowest()}
	res.Compare(t, r.load.promises(), mine, calls)
	res.accepting = dipOf(r.load.accepted(), r.measured(), r.begin, r.end)
	res.delivery = dipOf(sent, r.measured(), r.begin, r.end)
	errors := r.load.seen(r.outage.edges)
	res.errors = len(errors)
	for _, e := range errors[:min(5, len(errors))] {
		t.Logf("a caller saw, %s after the fault, at edge%d: %v", e.at.Sub(r.begin).Round(time.Millisecond), e.edge, e.err)
	}
	if r.silent && res.errors > 0 {
		t.Errorf("%d callers saw errors", res.errors)
	}
	most := maxRecovery
	if election := r.outage.elected.Sub(r.begin); !r.outage.elected.IsZero() {
		t.Logf("the stream of jobs had another leader after %s", election.Round(time.Millisecond))
		most = max(most, election+afterElection)
	}
	if took, ok := res.recovery(); !ok || took > most {
		t.Errorf("the rate is not as before within %s: accepted %+v, sent %+v", most, res.accepting, res.delivery)
	}
	return res
}
