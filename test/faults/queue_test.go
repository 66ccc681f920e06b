package faults

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A disturbance is what happens to the queue.
type disturbance struct {
	name   string
	inside bool // the broker is the embedded one
	do     func(t *testing.T, s *system)
}

// restarted is the plainest one.
var restarted = disturbance{"stopped and started", false, func(t *testing.T, s *system) {
	if err := s.parts["broker"].Stop(t); err != nil {
		t.Fatal(err)
	}
	s.start(t, "broker")
}}

var disturbances = []disturbance{
	{"gone for a while", false, func(t *testing.T, s *system) {
		s.kill("broker")
		wait(t.Context(), away())
		s.start(t, "broker")
	}},
	{"unreachable for a while", false, func(t *testing.T, s *system) {
		s.parts["broker"].Signal(t, syscall.SIGSTOP)
		wait(t.Context(), away())
		s.parts["broker"].Signal(t, syscall.SIGCONT)
	}},
	{"wiped while it runs", false, func(t *testing.T, s *system) { s.wipe(t) }},
	{"wiped while it is down", false, func(t *testing.T, s *system) {
		s.kill("broker")
		s.wipe(t)
		s.start(t, "broker")
	}},
	{"its stream deleted", false, func(t *testing.T, s *system) {
		must(t, s.broker(t).DeleteStream(t.Context(), "BONGSU_JOBS"))
	}},
	{"its stream emptied", false, func(t *testing.T, s *system) {
		stream, err := s.broker(t).Stream(t.Context(), "BONGSU_JOBS")
		must(t, err)
		must(t, stream.Purge(t.Context()))
	}},
	{"its consumers deleted", false, func(t *testing.T, s *system) {
		js := s.broker(t)
		stream, err := js.Stream(t.Context(), "BONGSU_JOBS")
		must(t, err)
		names := stream.ConsumerNames(t.Context())
		deleted := 0
		for name := range names.Name() {
			must(t, js.DeleteConsumer(t.Context(), "BONGSU_JOBS", name))
			deleted++
		}
		if names.Err() != nil || deleted < 4 {
			t.Fatalf("%d consumers were deleted: %v", deleted, names.Err())
		}
	}},
	{"the embedded broker's folder deleted", true, func(t *testing.T, s *system) { s.wipe(t) }},
}

// away is how long the broker is away: a minute where there is time.
func away() time.Duration {
	if long {
		return time.Minute
	}
	return 6 * time.Second
}

// TestQueueIsDisposable disturbs the queue, idle and busy: nothing of ours is started
// again, everything ends, nothing is sent twice.
func TestQueueIsDisposable(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	for _, d := range disturbances {
		t.Run(d.name+" while idle", d.whileIdle)
		t.Run(d.name+" while busy", d.whileBusy)
	}
}

func (d disturbance) system(t *testing.T) *system {
	if d.inside {
		return one(t, "sqlite")
	}
	return apart(t, "sqlite", "sender1", "sender2")
}

// whileIdle disturbs the queue between alerts.
func (d disturbance) whileIdle(t *testing.T) {
	t.Parallel()
	s := d.system(t)
	before, _ := posts(draw(t.Name()), 10)
	s.send(t, before)
	s.ended(t)
	s.struck(func() { d.do(t, s) })
	after, _ := posts(draw(t.Name()), 20)
	for _, p := range after {
		p.message, p.key = p.message+" again", "" // or it would be one of those before
	}
	s.send(t, after)
	s.judge(t, append(before, after...))
	s.calm(t)
	s.living(t)
}

// whileBusy disturbs the queue while alerts go through it.
func (d disturbance) whileBusy(t *testing.T) {
	t.Parallel()
	s := d.system(t)
	all, _ := posts(draw(t.Name()), 60)
	s.strikeBusy(t, all, bound+away(), func() {
		d.do(t, s)
	})
	s.judge(t, all)
	s.calm(t)
	s.living(t)
}

// send sends alerts that must be accepted.
func (s *system) send(t testing.TB, all []*post) {
	t.Helper()
	s.drive(t.Context(), all, new(counter))
	for _, p := range all {
		if p.id == "" {
			t.Fatalf("%q was not accepted", p.message)
		}
	}
}

// broker gives a connection to the broker, as an operator has one.
func (s *system) broker(t testing.TB) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(s.nats)
	must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	must(t, err)
	return js
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestJobsLostFromTheStream takes jobs from a stream that stays what it was, before
// any sender saw them.
func TestJobsLostFromTheStream(t *testing.T) {
	t.Parallel()
	s := apart(t, "sqlite")
	all, _ := posts(draw(t.Name()), 20)
	s.send(t, all)
	stream, err := s.broker(t).Stream(t.Context(), "BONGSU_JOBS")
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	for info := stream.CachedInfo(); info.State.Msgs == 0; { // the last jobs may be on their way
		wait(ctx, 20*time.Millisecond)
		info, err = stream.Info(ctx)
		must(t, err)
	}
	s.struck(func() {
		must(t, stream.Purge(t.Context()))
		s.serveSender(t, "sender", s.url)
	})
	s.judge(t, all)
	s.calm(t)
}
