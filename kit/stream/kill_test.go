package stream_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// TestKilledProcess kills a process that stores orders with their events, again and again: the
// stream has an event for each order that was committed, and no other, once, in order.
func TestKilledProcess(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		b := newBroker(t)
		for kill := range 4 {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "STREAM_TEST_SHOP="+url, "STREAM_TEST_NATS="+b.url)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			kittest.NoError(t, err)
			kittest.NoError(t, cmd.Start())
			lines := bufio.NewScanner(out)
			for range 20 + 13*kill { // orders until it is killed
				if !lines.Scan() {
					t.Fatal("the process ended before it was killed")
				}
			}
			kittest.NoError(t, cmd.Process.Kill())
			_ = cmd.Wait() // the error is that it was killed
		}
		c := newClock() // much later than the leases of the killed processes
		c.advance(100 * 365 * 24 * 3600 * 1e9)
		s := openShop(t, url, b, stream.OutboxOptions{Now: c.Now})
		var orders []string
		kittest.NoError(t, s.database.Read(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
			orders, err = database.Select(ctx, tx, func(r *sql.Rows, name *string) error { return r.Scan(name) }, "SELECT name FROM orders ORDER BY name")
			return err
		}))
		if len(orders) < 20 {
			t.Fatalf("only %d orders were committed", len(orders))
		}
		stop := s.run(t)
		kittest.Equal(t, b.ids(t, len(orders)), orders)
		stop()
		b.noMore(t, uint64(len(orders)))
	})
}

// runShop stores orders and publishes their events until it is killed. It prints a line for each
// order.
func runShop(url, natsURL string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "shop:", err)
		return 1
	}
	ctx := context.Background()
	d, err := database.Open(ctx, url, shopSchema)
	if err != nil {
		return fail(err)
	}
	conn, err := nats.Connect(natsURL)
	if err != nil {
		return fail(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return fail(err)
	}
	outbox, err := stream.NewOutbox(d.Writer(), d.Dialect(), stream.JetStream{Stream: js, Prefix: "events."}, stream.OutboxOptions{})
	if err != nil {
		return fail(err)
	}
	if err := outbox.Migrate(ctx); err != nil {
		return fail(err)
	}
	go outbox.Run(ctx) //nolint:errcheck // the process is killed
	for {
		err := d.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			counted, err := database.Select(ctx, tx, func(r *sql.Rows, n *int) error { return r.Scan(n) }, "SELECT count(*) FROM orders")
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%06d", counted[0])
			if err := outbox.Add(ctx, tx, event(name, "all")); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, "INSERT INTO orders (name) VALUES (?)", name)
			return err
		})
		if err != nil {
			return fail(err)
		}
		outbox.Wake()
		fmt.Println("order")
	}
}
