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
	"github.com/bongsu-project/bongsu/internal/pace"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/internal/seal"
)

// slow is a pace with whose slots it is easy to be late: 20 take two seconds.
var slow = pace.Key{ID: "slack.credential.0123", Rate: messenger.Rate{Count: 10, Per: time.Second}}

// A stage is a lane with a broker of its own whose clock does not go by itself and whose
// provider asks to wait, and a task with a slot that comes up now, before 19 others.
type stage struct {
	*lane
	paces  *stuck
	passed atomic.Int64 // since it began
	start  time.Time
	task   *task
}

// A stuck bucket answers late.
type stuck struct {
	pace.Bucket
	until func(context.Context) <-chan struct{} // nil for at once
}

func (s *stuck) Swap(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if s.until != nil {
		<-s.until(ctx)
	}
	return s.Bucket.Swap(ctx, key, value, revision)
}

func newStage(t *testing.T, lease time.Duration) *stage {
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
	s := &stage{paces: &stuck{Bucket: q.Bucket()}, start: time.Now()}
	now := func() time.Time { return s.start.Add(time.Duration(s.passed.Load())) }
	log := slog.New(slog.DiscardHandler)
	s.lane = newLane(&Sender{
		Now: now, Log: log, Pace: pace.New(s.paces, now, log), Meter: Unmeasured{}, Workers: 1,
		Limits:  func(messenger.Spec) messenger.Limits { return messenger.Limits{} },
		Timeout: func(string) time.Duration { return time.Second },
		Breaker: BreakerConfig{Percent: 50, Calls: 10, Open: time.Second},
	}, slackAt(provider.URL), newLink(log))
	s.claimed = make(chan []*task, 1)
	slots, err := s.Pace.Reserve(t.Context(), slow, 20, false)
	if err != nil || len(slots) != 20 {
		t.Fatal(len(slots), err)
	}
	s.task = &task{job: &job.Job{Rank: job.Normal}, credential: paced{Key: slow, slot: slots[0]}, claim: Claim{Fence: 1, Expire: s.start.Add(lease)}}
	if s.turn(s.task).missed() {
		t.Fatal("its slot comes up just now")
	}
	return s
}

// TestLate lets a task come too late for its slot, while another sender holds later
// ones: another slot is taken for it, in front, and it is in time for that. When the
// sender stops, it goes back.
func TestLate(t *testing.T) {
	l := newStage(t, time.Minute)
	l.passed.Store(int64(time.Second))
	attempt := func() (result, bool) { return l.attempt(context.Background(), l.task) }
	if _, over := attempt(); over {
		t.Fatal("a second later it is called, or goes back")
	}
	l.again(t.Context(), l.lates.take())
	if got := <-l.claimed; len(got) != 1 || got[0] != l.task || l.turn(l.task).missed() {
		t.Errorf("it is not in time for its new slot: %+v", l.task)
	}
	if at, _ := l.turn(l.task).when(l.Now()); at.Before(l.Now()) || at.After(l.Now().Add(time.Second)) {
		t.Errorf("it was not put in front: its slot comes up in %s", at.Sub(l.Now()))
	}
	l.passed.Store(int64(3 * time.Second))
	if _, over := attempt(); over {
		t.Fatal("two seconds later it is called, or goes back")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	l.renew(stopped)
	if r := <-l.results; r.deferral == nil || r.deferral.Fence != 1 {
		t.Errorf("the sender stops, and it does not go back: %+v", r)
	}
	if r, over := l.late(l.task); !over || r.deferral == nil || r.deferral.Fence != 1 || l.task.misses != mostMisses {
		t.Errorf("the sender has stopped, and it does not go back: %+v", r)
	}
}

// TestLateWithoutPaces lets it come too late while nobody can be asked for a slot: it goes
// back while it is still its sender's.
func TestLateWithoutPaces(t *testing.T) {
	const lease, spare = 2200 * time.Millisecond, 200 * time.Millisecond // when a second has passed, but for the call
	l := newStage(t, lease)
	l.passed.Store(int64(time.Second))
	if _, over := l.attempt(context.Background(), l.task); over {
		t.Fatal("a second later it is called, or goes back")
	}
	l.paces.until = context.Context.Done
	start := time.Now()
	l.again(t.Context(), l.lates.take())
	if r := <-l.results; r.deferral == nil || r.deferral.Fence != 1 {
		t.Errorf("it has no slot, and does not go back: %+v", r)
	}
	if took := time.Since(start); took < spare {
		t.Errorf("it was given up after %s", took)
	}
}

// TestLateWithoutRoom has a slot for it while nobody takes claimed tasks: it goes back,
// too, with its slot.
func TestLateWithoutRoom(t *testing.T) {
	l := newStage(t, 1200*time.Millisecond)
	l.claimed <- nil
	l.again(t.Context(), []*task{l.task})
	if r := <-l.results; r.deferral == nil || r.deferral.Fence != 1 || r.deferral.Slots == "" {
		t.Errorf("it does not go back with its slot: %+v", r)
	}
}

// TestReportBeforeOthersAreTold has a provider ask to wait while nobody can be told so: the
// outcome is reported all the same.
func TestReportBeforeOthersAreTold(t *testing.T) {
	l := newStage(t, time.Minute)
	l.timeout = 20 * time.Second
	path := filepath.Join(t.TempDir(), "seal.key")
	err := seal.MakeKey(path)
	if err == nil {
		l.Key, err = seal.ReadKey(path)
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
	go func() { defer close(ended); l.work(t.Context()) }()
	select {
	case r := <-l.results:
		if r.report == nil || r.report.Outcome.Kind != messenger.Paused {
			t.Errorf("%+v", r)
		}
	case <-time.After(20 * time.Second):
		t.Error("nothing is reported")
	}
	close(free)
	<-ended
	if l.Pace.View(slow).Status().PausedUntil.IsZero() {
		t.Error("others are not told")
	}
}

// slackAt gives the messenger whose provider is at url.
func slackAt(url string) messenger.Messenger {
	all := messenger.All(func(string) messenger.Endpoint {
		return messenger.Endpoint{Client: messenger.NewClient(messenger.ClientConfig{Anywhere: true}), Now: time.Now, URL: url}
	})
	return all[slices.IndexFunc(all, func(m messenger.Messenger) bool { return m.Spec().Name == "slack" })]
}
