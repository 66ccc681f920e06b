package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// sourceAddresses is the number of loopback addresses of the readers: one has too few ports for
// all, and an edge counts the streams of an address.
const sourceAddresses = 8

// eventReaders are connected readers of Server-Sent Events. Each reads lines by a small buffer, so
// that the benchmark itself needs little memory and time for one.
type eventReaders struct {
	conns []net.Conn
	all   sync.WaitGroup
	ready chan error     // of each reader: connected
	items chan time.Time // of each event
}

// openStreams connects readers, and waits until all have the header of their response, and for an
// inbox the first event.
func (s *scene) openStreams(at endpoint, count int, path func(n int) string) *eventReaders {
	e := &eventReaders{ready: make(chan error, count), items: make(chan time.Time, 2*count)}
	s.Cleanup(e.close)
	host := strings.TrimPrefix(at.url, "http://")
	slots := make(chan struct{}, workers)
	var mu sync.Mutex
	for n := range count {
		slots <- struct{}{}
		e.all.Go(func() {
			conn, err := dialFrom(s.ctx, n, host)
			if err == nil {
				mu.Lock()
				e.conns = append(e.conns, conn)
				mu.Unlock()
				header := ""
				if at.key != "" {
					header = "Authorization: " + at.authorization() + "\r\n"
				}
				_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n", path(n), host, header)
			}
			if err != nil {
				<-slots
				e.ready <- err
				return
			}
			e.read(conn, func() { <-slots })
		})
	}
	for range count {
		select {
		case err := <-e.ready:
			s.must(err)
		case <-time.After(patience):
			s.Fatal("not all readers are connected")
		}
	}
	return e
}

// dialFrom connects from one of the loopback addresses.
func dialFrom(ctx context.Context, n int, host string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%sourceAddresses))}}
	return dialer.DialContext(ctx, "tcp", host)
}

// read reads a response to its end. It reports that it is ready after the first event, and calls
// connected then.
func (e *eventReaders) read(conn net.Conn, connected func()) {
	lines := bufio.NewReaderSize(conn, 512)
	first, begun, whole := true, false, true
	for {
		line, err := lines.ReadSlice('\n')
		isStart := whole
		whole = !errors.Is(err, bufio.ErrBufferFull)
		switch {
		case err != nil && whole:
			if first {
				connected()
				e.ready <- fmt.Errorf("stream of %s ended: %w", conn.LocalAddr(), err)
			}
			return
		case !isStart:
		case !begun:
			if begun = true; !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
				connected()
				e.ready <- fmt.Errorf("stream of %s: %s", conn.LocalAddr(), bytes.TrimSpace(line))
				return
			}
		case bytes.HasPrefix(line, []byte("data: ")) && first:
			first = false
			connected()
			e.ready <- nil
		case bytes.HasPrefix(line, []byte("data: ")):
			e.items <- time.Now()
		}
	}
}

// next waits for an event of each reader, and returns the time of the last one.
func (e *eventReaders) next(s *scene) (last time.Time) {
	timeout := time.After(patience)
	for n := range len(e.conns) {
		select {
		case at := <-e.items:
			if at.After(last) {
				last = at
			}
		case <-timeout:
			s.Fatalf("%d of %d readers have the event", n, len(e.conns))
		}
	}
	return last
}

// close disconnects all readers.
func (e *eventReaders) close() {
	for _, conn := range e.conns {
		_ = conn.Close() // it may be closed
	}
	e.all.Wait()
}

// An eventFanout is the bare fan-out: it sends each event that is posted to all connections.
type eventFanout struct {
	mu      sync.Mutex
	readers map[chan string]struct{}
}

// ServeHTTP serves GET /stream and POST /events.
func (f *eventFanout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		event := "id: 1\ndata: " + bareEvent + "\n\n"
		f.mu.Lock()
		defer f.mu.Unlock()
		for reader := range f.readers {
			reader <- event
		}
		return
	}
	events := make(chan string, inboxAlerts)
	f.mu.Lock()
	f.readers[events] = struct{}{}
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	controller := http.NewResponseController(w)
	for event := "event: ready\ndata: {}\n\n"; ; {
		if _, err := w.Write([]byte(event)); err != nil || controller.Flush() != nil {
			return
		}
		select {
		case event = <-events:
		case <-r.Context().Done():
			return
		}
	}
}

// serveEvents serves the bare fan-out by net/http alone, and logs its address.
func serveEvents(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	log.Info("listening", "service", "events", "addr", listener.Addr().String())
	server := &http.Server{Handler: &eventFanout{readers: map[chan string]struct{}{}}, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
