package discovery_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/discoverytest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// A process is a registry as one process with a clock of its own uses it. To stop its clock is
// to kill it: it writes nothing more.
type process struct {
	*discovery.Bucket
	*clock
	follows bool // Run runs
}

// registrant returns a process that registers an instance, and does nothing else.
func registrant(t *testing.T, l *link, id string) process {
	t.Helper()
	p := process{clock: newClock()}
	p.Bucket = openBucket(t, l, p.clock, nil)
	discoverytest.Register(t, p.Bucket, discoverytest.Example(id), nil)
	return p
}

// follower returns a process that follows the registry.
func follower(t *testing.T, l *link) process {
	t.Helper()
	p := process{clock: newClock(), follows: true}
	p.Bucket = openBucket(t, l, p.clock, nil)
	discoverytest.Run(t, p.Bucket)
	return p
}

// advance advances the clocks of processes by some seconds, in turns, until done is true.
func advance(t *testing.T, seconds int, done func() bool, processes ...process) (passed int) {
	t.Helper()
	for passed < seconds && !done() {
		for _, p := range processes {
			p.advance(t)
		}
		passed++
	}
	return passed
}

func never() bool { return false }

// advanceInStep is advance, and waits in each second until the processes that follow the registry
// have taken all changes: these take longer than a second of a clock that is advanced. The
// processes must have a connection.
func advanceInStep(t *testing.T, seconds int, done func() bool, processes ...process) (passed int) {
	t.Helper()
	for passed < seconds && !done() {
		advance(t, 1, never, processes...)
		for _, p := range processes {
			if p.follows {
				p.awaitChanges(t)
			}
		}
		passed++
	}
	return passed
}

// awaitChanges waits until the process has taken all changes of the registry so far.
func (p process) awaitChanges(t *testing.T) {
	t.Helper()
	js, err := jetstream.New(discovery.ConnOf(p.Bucket))
	kittest.NoError(t, err)
	last := sequence(t, js)
	until(t, func() bool { return discovery.SeenOf(p.Bucket) >= last })
}

// lists reports whether a process knows an instance now.
func lists(t *testing.T, p process, id string) bool {
	t.Helper()
	_, ok := discoverytest.Find(discoverytest.Current(t, p.Bucket), id)
	return ok
}

// killedIsGone returns the condition that a process does not know the instance killed.
func killedIsGone(t *testing.T, p process) func() bool {
	t.Helper()
	return func() bool { return !lists(t, p, "killed") }
}

// aliveKept fails the test if a watcher got a list without the instance alive after it had got
// one with it.
func aliveKept(t *testing.T, watcher *discoverytest.Watcher) {
	t.Helper()
	const id = "alive"
	seen := false
	for _, instances := range watcher.History() {
		_, ok := discoverytest.Find(instances, id)
		if seen && !ok {
			t.Errorf("instance %s was lost: a call had %v only", id, discoverytest.IDs(instances))
		}
		seen = seen || ok
	}
}

func TestKilledProcessIsGone(t *testing.T) {
	l := newLink(t)
	watching := follower(t, l)
	watcher := discoverytest.Watch(t, watching)
	registrant(t, l, "killed")
	alive := registrant(t, l, "alive")
	watcher.UntilIDs(t, "alive", "killed")
	passed := advanceInStep(t, 60, killedIsGone(t, watching), alive, watching)
	if lists(t, watching, "killed") || passed < 8 {
		t.Errorf("instance is listed: %t, after %d s, want gone after 9 s", lists(t, watching, "killed"), passed)
	}
	advance(t, 20, never, alive, watching)
	aliveKept(t, watcher)
}

func TestKilledProcessIsGoneAfterTenSeconds(t *testing.T) {
	l := newLink(t)
	watching := follower(t, l)
	watcher := discoverytest.Watch(t, watching)
	registrant(t, l, "killed")
	watcher.UntilIDs(t, "killed")
	if passed := advance(t, 8, killedIsGone(t, watching), watching); passed != 8 {
		t.Fatalf("instance is gone after %d s, want at least 9 s", passed)
	}
	advance(t, 2, never, watching)
	watcher.UntilIDs(t)
}

func TestPartitionedWatcher(t *testing.T) {
	l := newLink(t)
	way := l.branch()
	watching := follower(t, way)
	watcher := discoverytest.Watch(t, watching)
	killed, alive := registrant(t, l, "killed"), registrant(t, l, "alive")
	watcher.UntilIDs(t, "alive", "killed")

	way.cut()
	advance(t, 30, never, alive, watching)
	if !lists(t, watching, "killed") || !lists(t, watching, "alive") {
		t.Fatal("instances are lost while the registry is unreachable, want the last ones")
	}
	advance(t, 3, never, killed) // renewed behind the partition, and then killed

	way.lead(l.server)
	if !healed(t, watching, killedIsGone(t, watching), 60, alive) {
		t.Error("instance of a killed process is listed after the partition")
	}
	aliveKept(t, watcher)
}

// healed advances processes until a condition is true, for at most some seconds in which
// watching can reach the registry.
func healed(t *testing.T, watching process, condition func() bool, seconds int, others ...process) bool {
	t.Helper()
	conn := discovery.ConnOf(watching.Bucket)
	deadline := time.Now().Add(patience)
	for passed := 0; passed < seconds; {
		if condition() {
			return true
		}
		if time.Now().After(deadline) {
			t.Fatalf("no connection within %s", patience)
		}
		if !conn.IsConnected() {
			<-time.After(time.Millisecond) // until it has reconnected
			continue
		}
		advance(t, 1, never, append(others, watching)...)
		passed++
	}
	return condition()
}

func TestWipedBroker(t *testing.T) {
	l := newLink(t)
	way, far := l.branch(), l.branch()
	watching := follower(t, way)
	watcher := discoverytest.Watch(t, watching)
	killed := registrant(t, far, "killed")
	killed.settle(t)
	aliveWay := l.branch()
	alive := registrant(t, aliveWay, "alive")
	watcher.UntilIDs(t, "alive", "killed")
	reporter := follower(t, aliveWay)
	discoverytest.Watch(t, reporter).UntilIDs(t, "alive", "killed")
	kittest.NoError(t, reporter.ReportFailing(t.Context(), "alive", "timeout"))
	watcher.UntilState(t, "alive", discovery.Failing)

	wiped := startServer(t)
	far.cut()
	for _, l := range []*link{way, aliveWay} {
		l.lead(wiped)
	}
	if !healed(t, watching, killedIsGone(t, watching), 60, alive, reporter) {
		t.Error("instance of a killed process is listed after the broker was wiped")
	}
	aliveKept(t, watcher)

	late := follower(t, &link{server: wiped})
	discoverytest.Watch(t, late).UntilState(t, "alive", discovery.Failing)
}

func TestStartWithoutBroker(t *testing.T) {
	l := &link{}
	watching, alive := follower(t, l), registrant(t, l, "alive")
	watcher := discoverytest.Watch(t, watching)
	advance(t, 5, never, alive, watching)
	if calls := len(watcher.History()); calls != 0 {
		t.Fatalf("got %d calls before the instances are known, want none", calls)
	}
	l.lead(startServer(t))
	known := func() bool { return len(watcher.History()) > 0 && lists(t, watching, "alive") }
	if !healed(t, watching, known, 60, alive) {
		t.Error("instance is not listed once the broker is reachable")
	}
}

// TestBucketTakesNoWrites lets the bucket take no writes for longer than a record holds, as while
// a cluster elects a leader: instances that are alive stay listed, and one that died meanwhile is
// gone soon after it takes writes again.
func TestBucketTakesNoWrites(t *testing.T) {
	l := newLink(t)
	watching := follower(t, l)
	watching.others = 1
	discoverytest.Register(t, watching.Bucket, discoverytest.Example("own"), nil)
	watcher := discoverytest.Watch(t, watching)
	killed, alive := registrant(t, l, "killed"), registrant(t, l, "alive")
	watcher.UntilIDs(t, "alive", "killed", "own")

	js := openJetStream(t, l)
	stream, err := js.Stream(t.Context(), "KV_INSTANCES")
	kittest.NoError(t, err)
	config := stream.CachedInfo().Config
	refusing := config
	refusing.MaxMsgSize = 1
	_, err = js.UpdateStream(t.Context(), refusing)
	kittest.NoError(t, err)
	advance(t, 20, never, killed, alive, watching)
	if !lists(t, watching, "killed") {
		t.Error("an instance is gone while the bucket takes no writes")
	}

	_, err = js.UpdateStream(t.Context(), config)
	kittest.NoError(t, err)
	passed := advanceInStep(t, 60, killedIsGone(t, watching), alive, watching)
	if lists(t, watching, "killed") {
		t.Errorf("an instance that died is still listed after %d s", passed)
	}
	advance(t, 20, never, alive, watching)
	aliveKept(t, watcher)
}

func TestReporterIsKilled(t *testing.T) {
	l := newLink(t)
	watching, reporter, alive := follower(t, l), follower(t, l), registrant(t, l, "alive")
	watcher := discoverytest.Watch(t, watching)
	discoverytest.Watch(t, reporter).UntilIDs(t, "alive")
	kittest.NoError(t, reporter.ReportFailing(t.Context(), "alive", "timeout"))
	watcher.UntilState(t, "alive", discovery.Failing)

	advanceInStep(t, 20, never, alive, reporter, watching)
	watcher.UntilState(t, "alive", discovery.Failing) // the report is renewed

	served := func() bool {
		instance, _ := discoverytest.Find(discoverytest.Current(t, watching), "alive")
		return instance.State == discovery.Serving
	}
	if passed := advanceInStep(t, 60, served, alive, watching); passed < 6 || passed == 60 {
		t.Errorf("report of a killed process ends after %d s, want about 9 s", passed)
	}
}

// sequence returns the number of writes to the bucket so far.
func sequence(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	stream, err := js.Stream(t.Context(), "KV_INSTANCES")
	kittest.NoError(t, err)
	return stream.CachedInfo().State.LastSeq
}

func openJetStream(t *testing.T, l *link) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(connect(t, l))
	kittest.NoError(t, err)
	return js
}

func TestOneWriteInThreeSeconds(t *testing.T) {
	l := newLink(t)
	js := openJetStream(t, l)
	alive := registrant(t, l, "alive")
	alive.settle(t)
	before := sequence(t, js)
	advance(t, 30, never, alive)
	if writes := sequence(t, js) - before; writes != 10 {
		t.Errorf("got %d writes of an instance in 30 s, want 10", writes)
	}

	reporter := follower(t, l)
	discoverytest.Watch(t, reporter).UntilIDs(t, "alive")
	before = sequence(t, js)
	for i := range 50 { // the breaker of an instance that comes and goes
		kittest.NoError(t, reporter.ReportFailing(t.Context(), "alive", fmt.Sprint("refused ", i)))
		kittest.NoError(t, reporter.ReportServing(t.Context(), "alive"))
	}
	kittest.NoError(t, reporter.ReportFailing(t.Context(), "alive", "refused"))
	advanceInStep(t, 30, never, alive, reporter)
	if writes := sequence(t, js) - before - 10; writes < 9 || writes > 12 {
		t.Errorf("got %d writes of a report in 30 s, want 10 and a deletion", writes)
	}
}

func TestForeignRecords(t *testing.T) {
	l := newLink(t)
	var logged logtest.Buffer
	bucket := openBucket(t, l, nil, slog.New(slog.NewTextHandler(&logged, nil)))
	discoverytest.Run(t, bucket)
	watcher := discoverytest.Watch(t, bucket)
	watcher.UntilIDs(t)

	kv, err := openJetStream(t, l).KeyValue(t.Context(), "INSTANCES")
	kittest.NoError(t, err)
	put := func(key, value string) {
		_, err := kv.Put(t.Context(), key, []byte(value))
		kittest.NoError(t, err)
	}
	for range 3 {
		put("instances.bad", `{"id": 7`)
	}
	put("instances.newer", `{"id": "newer", "name": "library", "url": "https://10.0.0.8:443", "state": "INSTANCE_STATE_SERVING", "weight": {"of": [1]}}`)
	put("instances.resting", `{"id": "resting", "name": "library", "url": "https://10.0.0.8:444", "state": "INSTANCE_STATE_RESTING"}`)
	watcher.UntilIDs(t, "newer", "resting")
	watcher.UntilState(t, "newer", discovery.Serving)
	watcher.UntilState(t, "resting", discovery.Failing)
	if got := logged.Count("malformed record"); got != 1 {
		t.Errorf("got %d warnings, want 1:\n%s", got, logged.String())
	}
}

func TestLostConsumer(t *testing.T) {
	l := newLink(t)
	watching, alive := follower(t, l), registrant(t, l, "alive")
	watcher := discoverytest.Watch(t, watching)
	watcher.UntilIDs(t, "alive")
	js := openJetStream(t, l)
	stream, err := js.Stream(t.Context(), "KV_INSTANCES")
	kittest.NoError(t, err)
	names := stream.ConsumerNames(t.Context())
	for name := range names.Name() { // the consumer is lost, and its subscription does not notice
		kittest.NoError(t, stream.DeleteConsumer(t.Context(), name))
	}
	kittest.NoError(t, names.Err())
	advance(t, 30, never, alive, watching)
	aliveKept(t, watcher)
	if !lists(t, watching, "alive") {
		t.Error("instance that is renewed is lost with the consumer")
	}
	registrant(t, l, "late")
	advance(t, 60, func() bool { return lists(t, watching, "late") }, alive, watching)
	watcher.UntilIDs(t, "alive", "late")
}
