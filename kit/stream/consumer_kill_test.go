package stream_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// courierSchema is the schema of a service that handles events of orders. ordinal is the number of
// events of the order that were handled before.
var courierSchema = database.Schema{Name: "courier", Migrations: fstest.MapFS{
	"migrations/sqlite/0001_handled.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE handled (orders TEXT, event TEXT, ordinal INTEGER);\n")},
	"migrations/postgres/0001_handled.sql": {Data: []byte("-- +goose Up\nCREATE TABLE handled (orders TEXT, event TEXT, ordinal INTEGER);\n")},
}}

// courierAckWait is how long the events of a killed process wait.
const courierAckWait = 500 * time.Millisecond

// TestKilledConsumer kills processes that share a consumer, again and again: each event takes effect
// once, in the order of its subject.
func TestKilledConsumer(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		b := newBroker(t)
		const orders, rounds, eventsOfRound = 6, 3, 20
		events := 0 // of each order
		publish := func(n int) {
			for range n {
				for order := range orders {
					b.publish(t, orderEvent(strconv.Itoa(order), events))
				}
				events++
			}
		}
		start := func(handled chan<- struct{}) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "STREAM_TEST_COURIER="+url, "STREAM_TEST_NATS="+b.url)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			kittest.NoError(t, err)
			kittest.NoError(t, cmd.Start())
			go func() {
				for lines := bufio.NewScanner(out); lines.Scan(); {
					select {
					case handled <- struct{}{}:
					case <-t.Context().Done():
						return
					}
				}
			}()
			return cmd
		}
		for range rounds {
			publish(eventsOfRound)
			handled, bySecond := make(chan struct{}), make(chan struct{})
			first, second := start(handled), start(bySecond)
			for range 12 { // by either of them
				select {
				case <-handled:
				case <-bySecond:
				}
			}
			kittest.NoError(t, first.Process.Kill())
			publish(1)
			<-bySecond
			kittest.NoError(t, second.Process.Kill())
			_, _ = first.Wait(), second.Wait() // the errors are that they were killed
		}
		d, consumer, err := openCourier(t.Context(), url, b.Stream, func() {})
		kittest.NoError(t, err)
		t.Cleanup(func() { kittest.NoError(t, d.Close()) })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- consumer.Run(ctx) }()
		drained(t, consumer)
		cancel()
		kittest.NoError(t, <-ended)
		type row struct {
			event   string
			ordinal int
		}
		for order := range orders {
			var rows []row
			kittest.NoError(t, d.Read(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
				rows, err = database.Select(ctx, tx, func(r *sql.Rows, one *row) error { return r.Scan(&one.event, &one.ordinal) },
					"SELECT event, ordinal FROM handled WHERE orders = ? ORDER BY ordinal", strconv.Itoa(order))
				return err
			}))
			var want []row
			for number := range events {
				want = append(want, row{orderEvent(strconv.Itoa(order), number).ID, number})
			}
			kittest.Equal(t, rows, want)
		}
	})
}

// openCourier opens a service that handles events of orders; handled is called after each commit.
func openCourier(ctx context.Context, url string, js jetstream.JetStream, handled func()) (*database.Database, *stream.Consumer, error) {
	d, err := database.Open(ctx, url, courierSchema)
	if err != nil {
		return nil, nil, err
	}
	processed, err := stream.NewProcessed(d.Writer(), d.Dialect(), stream.ProcessedOptions{})
	if err != nil {
		return nil, nil, err
	}
	if err := processed.Migrate(ctx); err != nil {
		return nil, nil, err
	}
	consumer, err := stream.NewConsumer(js, func(ctx context.Context, e stream.Delivery) error {
		err := d.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			first, err := processed.Note(ctx, tx, "courier", e.Event)
			if err != nil || !first {
				return err
			}
			before, err := database.Select(ctx, tx, func(r *sql.Rows, n *int) error { return r.Scan(n) }, "SELECT count(*) FROM handled WHERE orders = ?", e.Subject)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, "INSERT INTO handled (orders, event, ordinal) VALUES (?, ?, ?)", e.Subject, e.ID, before[0])
			return err
		})
		if err == nil {
			handled()
		}
		return err
	}, stream.ConsumerOptions{Stream: "EVENTS", Name: "courier", AckWait: courierAckWait})
	return d, consumer, err
}

// runCourier handles events until it is killed. It prints a line for each.
func runCourier(url, natsURL string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "courier:", err)
		return 1
	}
	conn, err := nats.Connect(natsURL)
	if err != nil {
		return fail(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return fail(err)
	}
	_, consumer, err := openCourier(context.Background(), url, js, func() { fmt.Println("handled") })
	if err != nil {
		return fail(err)
	}
	return fail(consumer.Run(context.Background()))
}
