package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
	"github.com/bongsu-project/bongsu/test/proc"
)

// ceilings measures the maximum rates of the machine.
func ceilings(s *scene) {
	post := s.ceilingPost()
	add := func(name, unit string, value float64) {
		s.add(figure.Figure{Name: name, Unit: unit, Value: value, Of: "ceiling/post", Whole: post})
	}
	add("ceiling/post", "calls/s", post)
	add("ceiling/handler", "calls/s", s.ceilingHandler(protocols[0]))
	add("ceiling/handler-grpc", "calls/s", s.ceilingHandler(protocols[1]))
	add("ceiling/relay", "calls/s", s.ceilingRelay())
	add("ceiling/sqlite", "rows/s", s.ceilingSQLite())
	add("ceiling/jetstream", "messages/s", s.ceilingJetStream())
}

// beside measures the reference before and after the measurement, because a shared
// machine varies, and returns the mean.
func beside(whole func() float64, measured func()) float64 {
	before := whole()
	measured()
	return (before + whole()) / 2
}

// ceilingPost returns the calls per second of a bare net/http client in a separate
// process to the fake, with as many workers as there are callers.
func (s *scene) ceilingPost() float64 {
	s.fake.Expect(0, 1)
	return s.postedPerSecond(s.part("poster", targetVariable+"="+s.fake.URL, timeVariable+"="+(s.Time/2).String()))
}

// ceilingHandler returns the calls per second of a bare Connect handler in a separate
// process, which returns a constant response to SendAlert.
func (s *scene) ceilingHandler(by protocol) float64 {
	return s.servedPerSecond(s.part("handler"), by)
}

// ceilingRelay returns the calls per second of one that posts to the fake before it
// responds.
func (s *scene) ceilingRelay() float64 {
	s.fake.Expect(0, 1)
	return s.servedPerSecond(s.part("relay", targetVariable+"="+s.fake.URL), protocols[0])
}

// servedPerSecond returns the alerts per second that a part serves, and kills it.
func (s *scene) servedPerSecond(p *proc.Process, by protocol) float64 {
	call := by.send(endpoint{url: p.URLs(s, 1)["handler"]}, workers, audience{1, func(int) string { return "@user1" }})
	s.run(load.Closed{Callers: workers, Time: s.Time / 10}, call) // warm-up
	got := s.run(load.Closed{Callers: workers, Time: s.Time / 2}, call)
	p.Kill()
	return got.PerSecond()
}

// run runs a load.
func (s *scene) run(l load.Closed, call load.Call) load.Result {
	got, err := l.Run(s.ctx, call)
	s.must(err)
	return got
}

// ceilingSQLite returns the rows per second that SQLite inserts, a hundred in a
// transaction with fsync.
func (s *scene) ceilingSQLite() float64 {
	const rows = 100
	db, err := sql.Open("sqlite", filepath.Join(s.folder(), "ceiling.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	s.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(s.ctx, `CREATE TABLE rows (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c TEXT)`)
	s.must(err)
	insert := `INSERT INTO rows (a, b, c) VALUES (?, ?, ?)` + strings.Repeat(", (?, ?, ?)", rows-1)
	values := make([]any, 0, 3*rows)
	for n := range rows {
		values = append(values, n, n, strings.Repeat("x", 100))
	}
	got := s.run(load.Closed{Callers: 1, Time: s.Time / 2}, func(ctx context.Context, _ int) error {
		_, err := db.ExecContext(ctx, insert, values...)
		return err
	})
	return rows * got.PerSecond()
}

// ceilingJetStream returns the messages of 300 bytes per second that a file-based
// stream confirms, in one process, to as many publishers as there are callers.
func (s *scene) ceilingJetStream() float64 {
	embedded, err := server.NewServer(&server.Options{JetStream: true, StoreDir: s.folder(), DontListen: true, NoSigs: true, NoLog: true})
	s.must(err)
	embedded.Start()
	defer func() {
		embedded.Shutdown()
		embedded.WaitForShutdown()
	}()
	if !embedded.ReadyForConnections(10 * time.Second) {
		s.Fatal("the embedded NATS server does not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(embedded))
	s.must(err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	s.must(err)
	_, err = js.CreateStream(s.ctx, jetstream.StreamConfig{Name: "ceiling", Subjects: []string{"ceiling"}, Storage: jetstream.FileStorage})
	s.must(err)
	payload := bytes.Repeat([]byte("x"), 300)
	got := s.run(load.Closed{Callers: workers, Time: s.Time / 2}, func(ctx context.Context, _ int) error {
		_, err := js.Publish(ctx, "ceiling", payload)
		return err
	})
	return got.PerSecond()
}

// milliseconds returns a duration in ms.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// name joins the parts of a figure's name.
func name(parts ...any) string {
	words := make([]string, 0, len(parts))
	for _, p := range parts {
		words = append(words, fmt.Sprint(p))
	}
	return strings.Join(words, "/")
}
