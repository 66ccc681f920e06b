// Package natsserver runs a NATS server with JetStream inside of a program, for one that works
// without a server of its operator.
package natsserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/natsconn"
)

const (
	// startTimeout is the timeout of the start of a server.
	startTimeout = 30 * time.Second
	// connectTimeout bounds an attempt to connect within the process, and connectTries the number
	// of attempts: the client's default timeout of 2 s is too short for a machine under load.
	connectTimeout = 10 * time.Second
	connectTries   = 3
	// checkInterval is the interval at which Run checks that the server serves its streams.
	checkInterval = time.Second
)

// Options are the settings of a Server.
type Options struct {
	// Dir is the folder of the streams; required. One server at a time may use it.
	Dir string
	// Addr is the listen address, host:port, such as 127.0.0.1:0 for a free port. Empty opens no
	// port: only this process can connect. The port has no authentication; use loopback.
	Addr string
	// Name is the name of the server and of its connections, such as that of the program.
	Name string
}

// A Server is a NATS server in this process. It is safe for concurrent use.
type Server struct {
	options Options
	host    string
	port    int

	mu     sync.Mutex
	server *server.Server // nil while it restarts
}

// Start starts a server, and waits until it is ready. The caller must call Stop, and should call
// Run.
func Start(options Options) (*Server, error) {
	s := &Server{options: options}
	if options.Addr != "" {
		host, port, err := net.SplitHostPort(options.Addr)
		if err == nil {
			s.port, err = strconv.Atoi(port)
		}
		if err != nil {
			return nil, fmt.Errorf("start embedded NATS server: invalid address %q: want host:port", options.Addr)
		}
		s.host = host
		if s.port == 0 {
			s.port = server.RANDOM_PORT
		}
	}
	started, err := s.start()
	if err != nil {
		return nil, err
	}
	if s.options.Addr != "" { // a restart keeps the port
		s.port = started.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens by TCP
	}
	s.server = started
	return s, nil
}

// start starts the server on the folder of s, and waits until it is ready.
func (s *Server) start() (*server.Server, error) {
	started, err := server.NewServer(&server.Options{
		ServerName: s.options.Name,
		DontListen: s.options.Addr == "",
		Host:       s.host,
		Port:       s.port,
		JetStream:  true,
		StoreDir:   s.options.Dir,
		NoSigs:     true,
		NoLog:      true,
	})
	if err != nil {
		return nil, fmt.Errorf("start embedded NATS server in %s: %w", s.options.Dir, err)
	}
	started.Start()
	// If the streams cannot be opened, Start only logs it, and the server is never ready.
	if !servesStreams(started) || !started.ReadyForConnections(startTimeout) {
		stop(started)
		if s.options.Addr != "" {
			return nil, fmt.Errorf("start embedded NATS server in %s on %s: check that the folder is writable, the disk is not full and the port is free", s.options.Dir, s.options.Addr)
		}
		return nil, fmt.Errorf("start embedded NATS server in %s: check that the folder is writable and the disk is not full", s.options.Dir)
	}
	return started, nil
}

// servesStreams reports whether a server serves streams. A server that gets a permission
// error on its folder disables JetStream for good and runs on: nats-server,
// handleWritePermissionError.
func servesStreams(s *server.Server) bool {
	return s.JetStreamEnabled() && s.GlobalAccount().JetStreamEnabled()
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// Run restarts the server whenever it has disabled its streams, and retries until it
// serves them, until ctx ends. Connections reconnect by themselves.
func (s *Server) Run(ctx context.Context, log *slog.Logger) error {
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if now := s.current(); now != nil && servesStreams(now) {
			continue
		}
		if !broken {
			log.Error("embedded NATS server has disabled its streams, restarting it until its folder is writable", "folder", s.options.Dir)
		}
		err := s.restart()
		if broken = err != nil; !broken {
			log.Info("embedded NATS server restarted")
		}
	}
}

// current returns the current server, nil while it restarts.
func (s *Server) current() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

func (s *Server) restart() error {
	s.Stop()
	started, err := s.start()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = started
	return nil
}

// URL returns the URL at which other processes connect, and "" without a port.
func (s *Server) URL() string {
	if s.options.Addr == "" {
		return ""
	}
	host := s.host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "nats://" + net.JoinHostPort(host, strconv.Itoa(s.port))
}

// InProcessConn returns a connection to the server. It implements
// nats.InProcessConnProvider: the client calls it on every reconnect.
func (s *Server) InProcessConn() (net.Conn, error) {
	now := s.current()
	if now == nil {
		return nil, fault.Unavailablef("embedded NATS server is restarting")
	}
	return now.InProcessConn()
}

// Connect opens a connection within the process. It reconnects by itself after a restart of the
// server. The caller must close it before Stop.
func (s *Server) Connect(log *slog.Logger) (conn *nats.Conn, err error) {
	options := append(natsconn.Defaults(s.options.Name, log), nats.InProcessServer(s), nats.Timeout(connectTimeout))
	for range connectTries { // under load the server may respond late
		if conn, err = nats.Connect("", options...); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("connect to embedded NATS server: %w", err)
}

// Stop stops the server and returns once its files are closed. Run must have returned.
func (s *Server) Stop() {
	s.mu.Lock()
	now := s.server
	s.server = nil
	s.mu.Unlock()
	if now != nil {
		stop(now)
	}
}
