// Package queue carries jobs from the alert service to the senders, by JetStream.
// It may lose what it holds: the ledger is the truth, and what was lost is put
// again. Streams and consumers that vanish are made again while running.
package queue

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startTimeout bounds how long the embedded broker may take to be ready.
const startTimeout = 10 * time.Second

// A Broker is a NATS server inside this process. It opens no port.
type Broker struct{ server *server.Server }

// StartBroker starts a broker that keeps its streams in dir.
func StartBroker(dir string) (*Broker, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "bongsu",
		DontListen: true,
		JetStream:  true,
		StoreDir:   dir,
		NoSigs:     true,
		NoLog:      true,
	})
	if err != nil {
		return nil, fmt.Errorf("start the embedded queue in %s: %w", dir, err)
	}
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, fmt.Errorf("the embedded queue in %s was not ready within %s: is the folder writable, and the disk not full?", dir, startTimeout)
	}
	return &Broker{server: s}, nil
}

// Connect opens a connection inside the process.
func (b *Broker) Connect() (*nats.Conn, error) {
	return connect("", nats.InProcessServer(b.server))
}

// Stop stops the broker and returns when its files are closed.
func (b *Broker) Stop() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// Dial opens a connection to a NATS server elsewhere. It comes back by itself
// when the server does; the server must answer now.
func Dial(url string) (*nats.Conn, error) {
	conn, err := connect(url)
	if errors.Is(err, nats.ErrNoServers) {
		return nil, errors.New("no NATS server answers at --nats-url: is it running, and is the address right?")
	}
	return conn, err
}

func connect(url string, more ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect(url, append(more,
		nats.Name("bongsu"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250*time.Millisecond),
		nats.PingInterval(5*time.Second),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // each call says it, too
	)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the queue: %w", err)
	}
	return conn, nil
}
