// Package queue carries jobs from the alert service to the senders, by JetStream.
// It may lose what it holds: the ledger is the truth, and what was lost is put
// again. Streams and consumers that vanish are made again while running.
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

	"github.com/bongsu-project/bongsu/internal/fault"
)

const (
	// startTimeout bounds how long the embedded broker may take to be ready.
	startTimeout = 30 * time.Second
	// connectTimeout bounds a try to connect to the embedded broker, and connectTries how
	// often that is tried: the client's own timeout of 2 s is too short for a machine with
	// other work.
	connectTimeout = 10 * time.Second
	connectTries   = 3
	// brokerLook is how often it is looked whether the embedded broker has its
	// streams.
	brokerLook = time.Second
)

// A Broker is a NATS server inside this process. It opens no port.
type Broker struct {
	dir string

	mu     sync.Mutex
	server *server.Server // nil while there is none
}

// StartBroker starts a broker that keeps its streams in dir.
func StartBroker(dir string) (*Broker, error) {
	s, err := startServer(dir)
	if err != nil {
		return nil, err
	}
	return &Broker{dir: dir, server: s}, nil
}

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
		return nil, fmt.Errorf("start the embedded queue in %s: %w", dir, err)
	}
	s.Start()
	// Where Start cannot have its streams it says so to a log only, and is never ready.
	if !hasStreams(s) || !s.ReadyForConnections(startTimeout) {
		stopServer(s)
		return nil, fmt.Errorf("the embedded queue in %s could not be started: is the folder writable, and the disk not full?", dir)
	}
	return s, nil
}

// hasStreams says whether a server serves streams. One that may not write to its
// folder stops that for good, and goes on without: nats-server,
// handleWritePermissionError.
func hasStreams(s *server.Server) bool {
	return s.JetStreamEnabled() && s.GlobalAccount().JetStreamEnabled()
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// Run starts the server anew where it has given its streams up, as often as it
// takes, until ctx ends. Connections come back by themselves.
func (b *Broker) Run(ctx context.Context, log *slog.Logger) error {
	ticker := time.NewTicker(brokerLook)
	defer ticker.Stop()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if s := b.now(); s != nil && hasStreams(s) {
			continue
		}
		if !broken {
			log.Error("the embedded queue has given up its streams; starting it anew until its folder can be written", "folder", b.dir)
		}
		err := b.restart()
		if broken = err != nil; !broken {
			log.Info("the embedded queue is back")
		}
	}
}

// now gives the server; nil while there is none.
func (b *Broker) now() *server.Server {
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

// InProcessConn gives the server's end of a connection: nats asks for one whenever
// it connects again.
func (b *Broker) InProcessConn() (net.Conn, error) {
	s := b.now()
	if s == nil {
		return nil, fmt.Errorf("the embedded queue is being started: %w", fault.ErrUnavailable)
	}
	return s.InProcessConn()
}

// Connect opens a connection inside the process. It comes back by itself when the
// broker was started anew.
func (b *Broker) Connect(log *slog.Logger) (conn *nats.Conn, err error) {
	for range connectTries { // a busy machine may keep the broker from answering
		conn, err = nats.Connect("", append(options(log), nats.InProcessServer(b), nats.Timeout(connectTimeout))...)
		if err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("connect to the embedded queue: %w", err)
}

// Open returns the queue that the broker keeps, of which this process is the owner. It is
// as the package's Open returns it, and Epoch notices, too, that the files of the broker
// are gone.
func (b *Broker) Open(ctx context.Context, hold time.Duration, log *slog.Logger) (*Queue, error) {
	conn, err := b.Connect(log)
	if err != nil {
		return nil, err
	}
	q, err := Open(ctx, conn, Options{Owner: true, Hold: hold, Log: log})
	if err != nil {
		conn.Close()
		return nil, err
	}
	q.files = b.hasFiles
	return q, nil
}

// hasFiles says whether the file is there that says what the stream of all jobs is. A
// folder that cannot be looked into may have it.
func (b *Broker) hasFiles() bool {
	_, err := os.Stat(filepath.Join(b.dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", streamName, server.JetStreamMetaFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// Stop stops the broker and returns when its files are closed. Run must have ended.
func (b *Broker) Stop() {
	b.mu.Lock()
	s := b.server
	b.server = nil
	b.mu.Unlock()
	if s != nil {
		stopServer(s)
	}
}
