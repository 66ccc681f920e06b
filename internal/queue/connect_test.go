package queue_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// natsOn starts a NATS server on a port, and returns a function that stops it.
func natsOn(t *testing.T, port int, dir string, change func(*server.Options)) (stop func()) {
	t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true}
	change(options)
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	stop = func() { s.Shutdown(); s.WaitForShutdown() }
	t.Cleanup(stop)
	return stop
}

func unchanged(*server.Options) {}

// TestOpenWithoutNATS opens the queue before the server starts: it is neither connected
// nor ready, and takes jobs once the server runs. Loss and return of the connection are
// logged once each, then and later.
func TestOpenWithoutNATS(t *testing.T) {
	p, dir := port(t), t.TempDir()
	var logged logtest.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	conn, err := queue.Dial(fmt.Sprintf("nats://127.0.0.1:%d", p), log)
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	check := func(connected bool, lines ...string) {
		t.Helper()
		until(t, func() bool { return q.Connected() == connected && logged.Count("\n") >= len(lines) })
		got := strings.Split(strings.TrimSpace(logged.String()), "\n")
		if len(got) != len(lines) {
			t.Fatalf("it logged:\n%s", logged.String())
		}
		for i, line := range lines {
			if !strings.Contains(got[i], line) {
				t.Errorf("line %d is %s, and not: %s", i, got[i], line)
			}
		}
		err := q.Enqueue(t.Context(), []job.Job{sample(job.Normal, 10)}, 5)
		if ready := q.Ready(t.Context()); (err == nil) != connected || (ready == nil) != connected || err != nil && !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("connected: %t, enqueue: %v, ready: %v", connected, err, ready)
		}
	}
	lines := []string{`level=ERROR msg="no NATS server is reachable at --nats-url`}
	check(false, lines...)
	stop := natsOn(t, p, dir, unchanged)
	lines = append(lines, `level=INFO msg="NATS connected"`)
	check(true, lines...)
	stop()
	lines = append(lines, `level=WARN msg="NATS disconnected`)
	check(false, lines...)
	natsOn(t, p, dir, unchanged)
	lines = append(lines, `level=INFO msg="NATS connected again"`)
	check(true, lines...)
}

// TestDialErrorsHideURL dials invalid URLs: neither error nor log holds the password.
func TestDialErrorsHideURL(t *testing.T) {
	p := port(t)
	natsOn(t, p, t.TempDir(), func(o *server.Options) { o.Username, o.Password = "bongsu", "right" })
	for _, url := range []string{
		"nats://bongsu:s3cr%zzt@127.0.0.1:4222",
		"nats://bongsu:s3cr3t@127.0.0.1:port",
		"nats://127.0.0.1:4222,nats://bongsu:s3cr3t\x7f@127.0.0.1:4222",
		"ws://127.0.0.1:1,nats://bongsu:s3cr3t@127.0.0.1:2",
		fmt.Sprintf("nats://bongsu:s3cr3t@127.0.0.1:%d", p),
	} {
		var logged logtest.Buffer
		conn, err := queue.Dial(url, slog.New(slog.NewTextHandler(&logged, nil)))
		if err == nil {
			conn.Close()
			t.Errorf("%q: no error", url)
			continue
		}
		if text := err.Error() + logged.String(); strings.Contains(text, "s3cr") || !strings.Contains(text, "--nats-url") {
			t.Errorf("%q: %s", url, text)
		}
	}
}
