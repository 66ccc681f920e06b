// Package queue carries jobs from the alert service to the senders, by JetStream. The
// queue is disposable: the ledger is the source of truth, and lost jobs are re-enqueued.
// Streams and consumers that vanish are recreated at run time.
//
// A process opens a Queue over a connection to an external NATS server (Dial) or to the
// embedded one (Broker). The alert service is its owner: it creates the stream and enqueues
// jobs. Senders take them from the Lanes of their messengers, of which each has a consumer
// in the stream. LimiterBucket stores the limiter state in the same broker.
package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// startTimeout is the timeout of the start of the embedded broker.
	startTimeout = 30 * time.Second
	// connectTimeout bounds an attempt to connect to the embedded broker, and connectTries
	// the number of attempts: the client's default timeout of 2 s is too short for a machine
	// under load.
	connectTimeout = 10 * time.Second
	connectTries   = 3
	// brokerCheckInterval is the interval at which Run checks that the embedded broker serves
	// its streams.
	brokerCheckInterval = time.Second
)

// A Broker is a NATS server embedded in this process. It opens no port.
type Broker struct {
	dir string

	mu     sync.Mutex
	server *server.Server // nil while it restarts
}

// StartBroker starts a broker that stores its streams in dir.
func StartBroker(dir string) (*Broker, error) {
	s, err := startServer(dir)
	if err != nil {
		return nil, err
	}
	return &Broker{dir: dir, server: s}, nil
}

// startServer starts a server that stores its streams in dir, and waits until it is ready.
func startServer(dir string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "bongsu",
		DontListen: true,
		JetStream:  true,
		StoreDir:   dir,
		NoSigs:     true,
		NoLog:      true,
	})
	if err != nil {
		return nil, fmt.Errorf("start embedded queue in %s: %w", dir, err)
	}
	s.Start()
	// If the streams cannot be opened, Start only logs it, and the server is never ready.
	if !servesStreams(s) || !s.ReadyForConnections(startTimeout) {
		stopServer(s)
		return nil, fmt.Errorf("start embedded queue in %s: check that the folder is writable and the disk is not full", dir)
	}
	return s, nil
}

// servesStreams reports whether a server serves streams. A server that gets a permission
// error on its folder disables JetStream for good and runs on: nats-server,
// handleWritePermissionError.
func servesStreams(s *server.Server) bool {
	return s.JetStreamEnabled() && s.GlobalAccount().JetStreamEnabled()
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// Run restarts the server whenever it has disabled its streams, and retries until it
// serves them, until ctx ends. Connections reconnect by themselves.
func (b *Broker) Run(ctx context.Context, log *slog.Logger) error {
	ticker := time.NewTicker(brokerCheckInterval)
	defer ticker.Stop()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if s := b.current(); s != nil && servesStreams(s) {
			continue
		}
		if !broken {
			log.Error("embedded queue has disabled its streams, restarting it until its folder is writable", "folder", b.dir)
		}
		err := b.restart()
		if broken = err != nil; !broken {
			log.Info("embedded queue restarted")
		}
	}
}

// current returns the current server, nil while it restarts.
func (b *Broker) current() *server.Server {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.server
}

func (b *Broker) restart() error {
	b.Stop()
	s, err := startServer(b.dir)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.server = s
	return nil
}

// InProcessConn returns a connection to the server. It implements
// nats.InProcessConnProvider: the client calls it on every reconnect.
func (b *Broker) InProcessConn() (net.Conn, error) {
	s := b.current()
	if s == nil {
		return nil, fault.Unavailablef("embedded queue is restarting")
	}
	return s.InProcessConn()
}

// Connect opens an in-process connection. It reconnects by itself after a restart of the
// broker.
func (b *Broker) Connect(log *slog.Logger) (conn *nats.Conn, err error) {
	for range connectTries { // under load the broker may respond late
		conn, err = nats.Connect("", append(connOptions(log), nats.InProcessServer(b), nats.Timeout(connectTimeout))...)
		if err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("connect to embedded queue: %w", err)
}

// Open returns the queue of the broker, with this process as its owner. It does the same
// as the package's Open, and in addition Generation detects that the files of the broker
// were deleted.
func (b *Broker) Open(ctx context.Context, ackWait time.Duration, log *slog.Logger) (*Queue, error) {
	conn, err := b.Connect(log)
	if err != nil {
		return nil, err
	}
	q, err := Open(ctx, conn, Options{Owner: true, AckWait: ackWait, Log: log})
	if err != nil {
		conn.Close()
		return nil, err
	}
	q.files = b.hasFiles
	return q, nil
}

// hasFiles reports whether the metadata file of the job stream exists. It returns true if
// the folder cannot be read.
func (b *Broker) hasFiles() bool {
	_, err := os.Stat(filepath.Join(b.dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", streamName, server.JetStreamMetaFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// Stop stops the broker and returns once its files are closed. Run must have returned.
func (b *Broker) Stop() {
	b.mu.Lock()
	s := b.server
	b.server = nil
	b.mu.Unlock()
	if s != nil {
		stopServer(s)
	}
}
