package sender

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// slow is a key whose slots are easily missed: 20 take two seconds.
var slow = ratelimit.Key{ID: "slack.credential.0123", Rate: ratelimit.Rate{Count: 10, Per: time.Second}}

// A pipelineHarness is a pipeline with its own broker, a manual clock and a provider that responds
// with 429, and a task whose slot comes up now, before 19 others.
type pipelineHarness struct {
	*pipeline
	paces  *failingBucket
	passed atomic.Int64 // since start
	start  time.Time
	task   *task
}

// failingBucket is a Bucket that responds late.
type failingBucket struct {
	ratelimit.Bucket
	until func(context.Context) <-chan struct{} // nil for no delay
}

func (b *failingBucket) Swap(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if b.until != nil {
		<-b.until(ctx)
	}
	return b.Bucket.Swap(ctx, key, value, revision)
}

func newStage(t *testing.T, lease time.Duration) *pipelineHarness {
	t.Helper()
	broker, err := queue.StartBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	q, err := broker.Open(t.Context(), time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(provider.Close)
	s := &pipelineHarness{paces: &failingBucket{Bucket: q.LimiterBucket()}, start: time.Now()}
	now := func() time.Time { return s.start.Add(time.Duration(s.passed.Load())) }
	log := slog.New(slog.DiscardHandler)
	s.pipeline = newPipeline(&Sender{
		Now: now, Log: log, Limiter: ratelimit.New(s.paces, now, log), Metrics: NoMetrics{}, Workers: 1,
		Limits:  func(messenger.Spec) messenger.Limits { return messenger.Limits{} },
		Timeout: func(string) time.Duration { return time.Second },
		Breaker: BreakerConfig{Percent: 50, Calls: 10, Open: time.Second},
	}, slackAt(provider.URL), newAlertLink(log))
	s.claimed = make(chan []*task, 1)
	slots, err := s.Limiter.Reserve(t.Context(), slow, 20, false)
	if err != nil || len(slots) != 20 {
		t.Fatal(len(slots), err)
	}
	s.task = &task{job: &job.Job{Rank: job.Normal}, credential: limitedKey{Key: slow, slot: slots[0]}, claim: Claim{Fence: 1, LeaseExpireTime: s.start.Add(lease)}}
	if s.slotView(s.task).isMissed() {
		t.Fatal("slot is missed at once")
	}
	return s
}

// TestReslot has a task miss its slot while another sender holds later ones: an urgent slot
// is reserved for it, and it is in time for that. When the sender stops, the task is
// deferred.
func TestReslot(t *testing.T) {
	l := newStage(t, time.Minute)
	l.passed.Store(int64(time.Second))
	attempt := func() (result, bool) { return l.attempt(context.Background(), l.task) }
	if _, over := attempt(); over {
		t.Fatal("called or deferred after a second")
	}
	l.takeNewSlots(t.Context(), l.reslots.take())
	if got := <-l.claimed; len(got) != 1 || got[0] != l.task || l.slotView(l.task).isMissed() {
		t.Errorf("missed its new slot: %+v", l.task)
	}
	if at, _ := l.slotView(l.task).timeAndReason(l.Now()); at.Before(l.Now()) || at.After(l.Now().Add(time.Second)) {
		t.Errorf("slot is not urgent: in %s", at.Sub(l.Now()))
	}
	l.passed.Store(int64(3 * time.Second))
	if _, over := attempt(); over {
		t.Fatal("called or deferred after two seconds")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	l.reslotLoop(stopped)
	if r := <-l.results; r.deferral == nil || r.deferral.Fence != 1 {
		t.Errorf("not deferred when the sender stops: %+v", r)
	}
	if r, over := l.reslot(l.task); !over || r.deferral == nil || r.deferral.Fence != 1 || l.task.misses != maxReslots {
		t.Errorf("not deferred after the sender stopped: %+v", r)
	}
}

// TestReslotWithoutLimiter has a task miss its slot while the limiter state is unavailable:
// it is deferred before its lease expires.
func TestReslotWithoutLimiter(t *testing.T) {
	const lease, spare = 2200 * time.Millisecond, 200 * time.Millisecond // after a second, without the call
	l := newStage(t, lease)
	l.passed.Store(int64(time.Second))
	if _, over := l.attempt(context.Background(), l.task); over {
		t.Fatal("called or deferred after a second")
	}
	l.paces.until = context.Context.Done
	start := time.Now()
	l.takeNewSlots(t.Context(), l.reslots.take())
	if r := <-l.results; r.deferral == nil || r.deferral.Fence != 1 {
		t.Errorf("not deferred without a slot: %+v", r)
	}
	if took := time.Since(start); took < spare {
		t.Errorf("gave up after %s", took)
	}
}

// TestReslotWithoutFreeSlots reserves a slot for a task while no claimed tasks are accepted: it
// is deferred with its slot.
func TestReslotWithoutFreeSlots(t *testing.T) {
	l := newStage(t, 1200*time.Millisecond)
	l.claimed <- nil
	l.takeNewSlots(t.Context(), []*task{l.task})
	if r := <-l.results; r.deferral == nil || r.deferral.Fence != 1 || r.deferral.Slots == "" {
		t.Errorf("not deferred with its slot: %+v", r)
	}
}

// TestReportBeforeShare has a provider request a pause that cannot be shared: the
// outcome is reported regardless.
func TestReportBeforeShare(t *testing.T) {
	l := newStage(t, time.Minute)
	l.timeout = 20 * time.Second
	path := filepath.Join(t.TempDir(), "seal.key")
	err := seal.CreateKeyFile(path)
	if err == nil {
		l.Key, err = seal.ReadKeyFile(path)
	}
	if err == nil {
		l.task.delivery.SealedCredential, err = l.Key.Seal("SLACK-USER1-TOKEN", "slack")
	}
	if err != nil {
		t.Fatal(err)
	}
	free := make(chan struct{})
	l.paces.until = func(context.Context) <-chan struct{} { return free }
	l.ready.add([]*task{l.task})
	l.ready.close()
	ended := make(chan struct{})
	go func() { defer close(ended); l.callLoop(t.Context()) }()
	select {
	case r := <-l.results:
		if r.report == nil || r.report.Outcome.Kind != messenger.Paused {
			t.Errorf("%+v", r)
		}
	case <-time.After(20 * time.Second):
		t.Error("no report")
	}
	close(free)
	<-ended
	if l.Limiter.View(slow).Status().PausedUntil.IsZero() {
		t.Error("pause is not shared")
	}
}

// slackAt returns the Slack messenger with its provider at url.
func slackAt(url string) messenger.Messenger {
	all := messenger.All(func(string) messenger.Endpoint {
		return messenger.Endpoint{Client: messenger.NewClient(messenger.ClientConfig{AllowAll: true}), Now: time.Now, URL: url}
	})
	return all[slices.IndexFunc(all, func(m messenger.Messenger) bool { return m.Spec().Name == "slack" })]
}
