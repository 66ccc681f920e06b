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
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// slow is a key whose slots are easily missed: 20 take two seconds.
var slow = ratelimit.Key{ID: "slack.credential.0123", Rate: ratelimit.Rate{Count: 10, Per: time.Second}}

// A pipelineHarness is a pipeline with its own broker, a manual clock and a provider that
// responds with 429, and a task whose slot comes up now, before 19 others.
type pipelineHarness struct {
	*pipeline
	limiter *ratelimit.Limiter
	bucket  *slowBucket
	claimed chan []*task // from the reslot stage, to the test instead of the schedule stage
	passed  atomic.Int64 // since start
	start   time.Time
	task    *task
}

// A slowBucket is a Bucket that responds late.
type slowBucket struct {
	ratelimit.Bucket
	until func(context.Context) <-chan struct{} // nil for no delay
}

func (b *slowBucket) Swap(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if b.until != nil {
		<-b.until(ctx)
	}
	return b.Bucket.Swap(ctx, key, value, revision)
}

func newPipelineHarness(t *testing.T, lease time.Duration) *pipelineHarness {
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
	s := &pipelineHarness{bucket: &slowBucket{Bucket: q.LimiterBucket()}, claimed: make(chan []*task, 1), start: time.Now()}
	now := func() time.Time { return s.start.Add(time.Duration(s.passed.Load())) }
	log := slog.New(slog.DiscardHandler)
	s.limiter = ratelimit.New(s.bucket, now, log)
	s.pipeline = newPipeline(&Sender{
		Jobs: func(string) JobSource { return nil },
		Now:  now, Log: log, Limiter: s.limiter, Metrics: NoMetrics{}, Workers: 1,
		Limits:  func(messenger.Spec) messenger.Limits { return messenger.Limits{} },
		Timeout: func(string) time.Duration { return time.Second },
		Breaker: BreakerConfig{Percent: 50, Calls: 10, Open: time.Second},
	}, slackAt(provider.URL), newAlertLink(log), nil)
	s.reslot.claimed = s.claimed
	slots, err := s.limiter.Reserve(t.Context(), slow, 20, false)
	if err != nil || len(slots) != 20 {
		t.Fatal(len(slots), err)
	}
	s.task = &task{job: &job.Job{Rank: job.Normal}, credential: limitedKey{Key: slow, slot: slots[0]}, claim: dispatch.Claim{Fence: 1, LeaseExpireTime: s.start.Add(lease)}}
	if viewSlots(s.limiter, s.task).isMissed() {
		t.Fatal("slot is missed at once")
	}
	return s
}

// TestReslot has a task miss its slot while another sender holds later ones: an urgent slot
// is reserved for it, and it is in time for that. When the sender stops, the task is
// deferred.
func TestReslot(t *testing.T) {
	p := newPipelineHarness(t, time.Minute)
	p.passed.Store(int64(time.Second))
	attempt := func() (result, bool) { return p.call.attempt(context.Background(), p.task) }
	if _, ended := attempt(); ended {
		t.Fatal("called or deferred after a second")
	}
	p.reslot.reslot(t.Context(), p.reslot.reslots.take())
	if got := <-p.claimed; len(got) != 1 || got[0] != p.task || viewSlots(p.limiter, p.task).isMissed() {
		t.Errorf("missed its new slot: %+v", p.task)
	}
	if at, _ := viewSlots(p.limiter, p.task).timeAndReason(p.call.now()); at.Before(p.call.now()) || at.After(p.call.now().Add(time.Second)) {
		t.Errorf("slot is not urgent: in %s", at.Sub(p.call.now()))
	}
	p.passed.Store(int64(3 * time.Second))
	if _, ended := attempt(); ended {
		t.Fatal("called or deferred after two seconds")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	p.reslot.run(stopped)
	if r := <-p.results; r.deferral == nil || r.deferral.Fence != 1 {
		t.Errorf("not deferred when the sender stops: %+v", r)
	}
	if r, ended := p.call.reslots.addMissed(p.task); !ended || r.deferral == nil || r.deferral.Fence != 1 || p.task.misses != maxReslots {
		t.Errorf("not deferred after the sender stopped: %+v", r)
	}
}

// TestReslotWithoutLimiter has a task miss its slot while the limiter state is unavailable:
// it is deferred before its lease expires.
func TestReslotWithoutLimiter(t *testing.T) {
	const lease, spare = 2200 * time.Millisecond, 200 * time.Millisecond // after a second, without the call
	p := newPipelineHarness(t, lease)
	p.passed.Store(int64(time.Second))
	if _, ended := p.call.attempt(context.Background(), p.task); ended {
		t.Fatal("called or deferred after a second")
	}
	p.bucket.until = context.Context.Done
	start := time.Now()
	p.reslot.reslot(t.Context(), p.reslot.reslots.take())
	if r := <-p.results; r.deferral == nil || r.deferral.Fence != 1 {
		t.Errorf("not deferred without a slot: %+v", r)
	}
	if took := time.Since(start); took < spare {
		t.Errorf("gave up after %s", took)
	}
}

// TestReslotWithoutFreeSlots reserves a slot for a task while no claimed tasks are accepted: it
// is deferred with its slot.
func TestReslotWithoutFreeSlots(t *testing.T) {
	p := newPipelineHarness(t, 1200*time.Millisecond)
	p.claimed <- nil
	p.reslot.reslot(t.Context(), []*task{p.task})
	if r := <-p.results; r.deferral == nil || r.deferral.Fence != 1 || r.deferral.Slots == "" {
		t.Errorf("not deferred with its slot: %+v", r)
	}
}

// TestReportBeforeShare has a provider request a pause that cannot be shared: the
// outcome is reported regardless.
func TestReportBeforeShare(t *testing.T) {
	p := newPipelineHarness(t, time.Minute)
	p.call.timeout = 20 * time.Second
	path := filepath.Join(t.TempDir(), "seal.key")
	err := sealkey.Format.CreateKeyFile(path)
	if err == nil {
		p.call.key, err = sealkey.Format.ReadKeyFile(path)
	}
	if err == nil {
		p.task.delivery.SealedCredential, err = p.call.key.Seal("SLACK-USER1-TOKEN", "slack")
	}
	if err != nil {
		t.Fatal(err)
	}
	free := make(chan struct{})
	p.bucket.until = func(context.Context) <-chan struct{} { return free }
	p.call.ready.add([]*task{p.task})
	p.call.ready.close()
	ended := make(chan struct{})
	go func() { defer close(ended); p.call.run(t.Context()) }()
	select {
	case r := <-p.results:
		if r.report == nil || r.report.Outcome.Kind != messenger.Paused {
			t.Errorf("%+v", r)
		}
	case <-time.After(20 * time.Second):
		t.Error("no report")
	}
	close(free)
	<-ended
	if p.limiter.View(slow).Status().PausedUntil.IsZero() {
		t.Error("pause is not shared")
	}
}

// slackAt returns the Slack messenger with its provider at url.
func slackAt(url string) messenger.Messenger {
	messengers := all.Messengers(func(string) call.Endpoint {
		return call.Endpoint{Client: call.NewClient(call.ClientConfig{AllowAll: true}), Now: time.Now, URL: url}
	}, nil)
	return messengers[slices.IndexFunc(messengers, func(m messenger.Messenger) bool { return m.Spec().Name == "slack" })]
}
