package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// An order and its event are committed together. The event is published after the commit.
func ExampleOutbox() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	js, db, closeAll, err := openExample(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()

	outbox, err := stream.NewOutbox(db.Writer(), db.Dialect(), stream.JetStream{Stream: js, Prefix: "events."}, stream.OutboxOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := outbox.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error)
	go func() { ended <- outbox.Run(running) }()

	err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO orders (name) VALUES (?)", "o-17"); err != nil {
			return err
		}
		return outbox.Add(ctx, tx, stream.Event{
			Source: "shop/orders", Type: "order.created", Subject: "o-17", Data: []byte(`{"buyer":"kim","total":12.50}`),
		})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	outbox.Wake()

	consumer, err := js.OrderedConsumer(ctx, "EVENTS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := consumer.Next()
	if err != nil {
		fmt.Println(err)
		return
	}
	var event struct {
		Subject string
		Data    json.RawMessage
	}
	fmt.Println(message.Subject(), json.Unmarshal(message.Data(), &event))
	fmt.Println(event.Subject, string(event.Data))
	stop()
	fmt.Println(<-ended)
	// Output:
	// events.order.created <nil>
	// o-17 {"buyer":"kim","total":12.50}
	// <nil>
}

// A consumer handles the events of orders once, however often they are delivered: it notes them in
// the transaction of its changes.
func ExampleConsumer() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	js, db, closeAll, err := openExample(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	processed, err := stream.NewProcessed(db.Writer(), db.Dialect(), stream.ProcessedOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := processed.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	handled := make(chan string, 2)
	consumer, err := stream.NewConsumer(js, func(ctx context.Context, d stream.Delivery) error {
		defer func() { handled <- d.Subject }()
		return db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			first, err := processed.Note(ctx, tx, "delivery", d.Event)
			if err != nil || !first {
				return err
			}
			_, err = tx.Exec(ctx, "INSERT INTO orders (name) VALUES (?)", d.Subject)
			return err
		})
	}, stream.ConsumerOptions{Stream: "EVENTS", Name: "delivery", Filter: []string{"events.order.>"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error)
	go func() { ended <- consumer.Run(running) }()
	for _, order := range []string{"o-17", "o-18"} {
		event := stream.Event{ID: order, Source: "shop/orders", Type: "order.created", Subject: order}
		if _, err := (stream.JetStream{Stream: js, Prefix: "events."}).Publish(ctx, []stream.Event{event}); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(<-handled)
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// o-17
	// o-18
	// <nil>
}

// openExample returns an embedded broker with a stream, and a new SQLite database. The caller
// must call closeAll.
func openExample(ctx context.Context) (js jetstream.JetStream, db *database.Database, closeAll func(), err error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return nil, nil, nil, err
	}
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		return nil, nil, nil, err
	}
	s.Start()
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return nil, nil, nil, err
	}
	if js, err = jetstream.New(conn); err != nil {
		return nil, nil, nil, err
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}}); err != nil {
		return nil, nil, nil, err
	}
	db, err = database.Open(ctx, filepath.Join(dir, "shop.db"), shopSchema)
	closeAll = func() {
		_ = db.Close()
		conn.Close()
		s.Shutdown()
		s.WaitForShutdown()
		_ = os.RemoveAll(dir)
	}
	return js, db, closeAll, err
}
