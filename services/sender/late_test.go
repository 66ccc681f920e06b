package sender

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/pace"
	"github.com/bongsu-project/bongsu/internal/queue"
)

// TestLate lets a task come too late for its slot, while another sender holds later
// ones: the taker takes another slot for it, in front, and it is in time for that.
// While the taker waits for jobs, it goes back.
func TestLate(t *testing.T) {
	broker, err := queue.StartBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	conn, err := broker.Connect()
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.Open(t.Context(), conn, 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	var passed atomic.Int64
	start := time.Now()
	now := func() time.Time { return start.Add(time.Duration(passed.Load())) }
	log := slog.New(slog.DiscardHandler)
	key := pace.Key{ID: "slack.credential.0123", Rate: messenger.Rate{Count: 10, Per: time.Second}}

	l := &lane{
		Sender: &Sender{Now: now, Log: log, Pace: pace.New(q.Bucket(), now, log), Meter: deferrals{}}, name: "slack", timeout: time.Second,
		even: newEven(), results: make(chan result, 1), claimed: make(chan []*task, 1),
	}
	slots, err := l.Pace.Reserve(t.Context(), key, 20, false)
	if err != nil || len(slots) != 20 {
		t.Fatal(len(slots), err)
	}
	one := &task{job: &job.Job{Rank: job.Normal}, credential: paced{Key: key, slot: slots[0]}, claim: Claim{Fence: 1, Expire: start.Add(time.Minute)}}
	if l.turn(one).missed() {
		t.Fatal("its slot comes up just now")
	}
	passed.Store(int64(time.Second))

	attempt := func() (result, bool) { return l.attempt(context.Background(), one) }
	if _, over := attempt(); over || len(l.lates.tasks) != 1 {
		t.Fatal("a second later it is called, or goes back, though the taker is there")
	}
	l.renew(t.Context())
	if got := <-l.claimed; len(got) != 1 || got[0] != one || l.turn(one).missed() {
		t.Errorf("it is not in time for its new slot: %+v", one)
	}
	if at, _ := l.turn(one).when(now()); at.Before(now()) || at.After(now().Add(time.Second)) {
		t.Errorf("it was not put in front: its slot comes up in %s", at.Sub(now()))
	}
	passed.Store(int64(3 * time.Second))
	if r, over := attempt(); !over || r.deferral == nil || r.deferral.Fence != 1 {
		t.Errorf("the taker waits for jobs, and it does not go back: %+v", r)
	}
	l.lates.open()
	passed.Store(int64(6 * time.Second))
	q.Close() // nobody can be asked for a slot
	if _, over := l.late(one); over {
		t.Error("the taker is there")
	}
	l.renew(t.Context())
	if r := <-l.results; r.deferral == nil || r.deferral.Fence != 1 || one.misses != mostMisses {
		t.Errorf("it has no slot, and does not go back: %+v", r)
	}
}

// deferrals is a meter for what goes back.
type deferrals struct{ Meter }

func (deferrals) Deferred(string, string) {}
