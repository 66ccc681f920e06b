package faults

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A disturbance is a fault of the queue.
type disturbance struct {
	name   string
	inside bool // for the embedded broker
	do     func(t *testing.T, s *system)
}

// restarted is the simplest one.
var restarted = disturbance{"stopped and started", false, func(t *testing.T, s *system) {
	if err := s.parts["broker"].Stop(t); err != nil {
		t.Fatal(err)
	}
	s.start(t, "broker")
}}

var disturbances = []disturbance{
	{"gone for a while", false, func(t *testing.T, s *system) {
		s.kill("broker")
		wait(t.Context(), downtime())
		s.start(t, "broker")
	}},
	{"unreachable for a while", false, func(t *testing.T, s *system) {
		s.parts["broker"].Signal(t, syscall.SIGSTOP)
		wait(t.Context(), downtime())
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

// downtime returns how long the broker is stopped: a minute in the full matrix.
func downtime() time.Duration {
	if long {
		return time.Minute
	}
	return 6 * time.Second
}

// TestQueueIsDisposable disturbs the queue, idle and busy, without a restart of Bongsu:
// everything is completed, and nothing is sent twice.
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
		return startOneProcess(t, "sqlite")
	}
	return startSplit(t, "sender1", "sender2")
}

// whileIdle disturbs the queue between alerts.
func (d disturbance) whileIdle(t *testing.T) {
	t.Parallel()
	s := d.system(t)
	before, _ := posts(draw(t.Name()), 10)
	s.send(t, before)
	s.ended(t)
	s.recordFault(func() { d.do(t, s) })
	after, _ := posts(draw(t.Name()), 20)
	for _, p := range after {
		p.message, p.key = p.message+" again", "" // otherwise it would be deduplicated
	}
	s.send(t, after)
	s.judge(t, append(before, after...))
	s.calm(t)
	s.living(t)
}

// whileBusy disturbs the queue under load.
func (d disturbance) whileBusy(t *testing.T) {
	t.Parallel()
	s := d.system(t)
	all, _ := posts(draw(t.Name()), 60)
	s.faultWhileBusy(t, all, bound+downtime(), func() {
		d.do(t, s)
	})
	s.judge(t, all)
	s.calm(t)
	s.living(t)
}

// send sends alerts that must be accepted.
func (s *system) send(t testing.TB, all []*alertRequest) {
	t.Helper()
	s.drive(t.Context(), all, new(counter))
	for _, p := range all {
		if p.id == "" {
			t.Fatalf("%q was not accepted", p.message)
		}
	}
}

// broker returns a client connection to the broker.
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

// TestJobsLostFromTheStream deletes queue messages from an otherwise intact stream
// before a sender receives them.
func TestJobsLostFromTheStream(t *testing.T) {
	t.Parallel()
	s := startSplit(t)
	all, _ := posts(draw(t.Name()), 20)
	s.send(t, all)
	stream, err := s.broker(t).Stream(t.Context(), "BONGSU_JOBS")
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	for info := stream.CachedInfo(); info.State.Msgs == 0; { // the last jobs may not be in the stream yet
		wait(ctx, 20*time.Millisecond)
		info, err = stream.Info(ctx)
		must(t, err)
	}
	s.recordFault(func() {
		must(t, stream.Purge(t.Context()))
		s.serveSender(t, "sender", s.alertURL)
	})
	s.judge(t, all)
	s.calm(t)
}
