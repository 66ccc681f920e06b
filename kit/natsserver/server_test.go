package natsserver_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/natsserver"
)

var quiet = slog.New(slog.DiscardHandler)

// TestServer checks that streams survive a restart, and that a port is opened only if it is asked for.
func TestServer(t *testing.T) {
	dir := t.TempDir()
	for i, addr := range []string{"", "127.0.0.1:0"} {
		s, err := natsserver.Start(natsserver.Options{Dir: dir, Addr: addr, Name: "test"})
		kittest.NoError(t, err)
		kittest.Equal(t, s.URL() != "", addr != "")
		conn, err := s.Connect(quiet)
		kittest.NoError(t, err)
		if addr != "" {
			other, err := nats.Connect(s.URL())
			kittest.NoError(t, err)
			other.Close()
		}
		js, err := jetstream.New(conn)
		kittest.NoError(t, err)
		kittest.Equal(t, s.HasStreamFiles("EVENTS"), i > 0)
		_, err = js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
		kittest.NoError(t, err)
		ack, err := js.Publish(t.Context(), "events.a", nil)
		kittest.NoError(t, err)
		kittest.Equal(t, ack.Sequence, uint64(i+1))
		conn.Close()
		s.Stop()
	}
}

func TestStartErrors(t *testing.T) {
	if _, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Addr: "localhost"}); err == nil || !strings.Contains(err.Error(), "host:port") {
		t.Error(err)
	}
}

// An embedded server that opens no port.
func ExampleStart() {
	ctx := context.Background()
	s, err := natsserver.Start(natsserver.Options{Dir: exampleDir, Name: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Stop()
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error)
	go func() { ended <- s.Run(running, quiet) }() // restarts the server if its disk was full
	conn, err := s.Connect(quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conn.IsConnected(), s.URL() == "")
	conn.Close()
	stop()
	fmt.Println(<-ended)
	// Output:
	// true true
	// <nil>
}
