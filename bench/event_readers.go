package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	conns []io.Closer
	all   sync.WaitGroup
	ready chan error     // of each reader: connected
	items chan time.Time // of each event
}

// openStreams connects readers, and waits until all have the header of their response, and for an
// inbox the first event. Each has a connection of its own; those after the first own ones share
// HTTP/2 connections.
func (s *scene) openStreams(at endpoint, count, own int, path func(n int) string) *eventReaders {
	e := &eventReaders{ready: make(chan error, count), items: make(chan time.Time, 2*count)}
	s.Cleanup(e.close)
	shared := &http.Client{Transport: &http.Transport{Protocols: onlyHTTP2()}}
	slots := make(chan struct{}, workers)
	var mu sync.Mutex
	for n := range count {
		slots <- struct{}{}
		e.all.Go(func() {
			open := func() (io.ReadCloser, error) { return openSharedStream(s.ctx, shared, at, path(n)) }
			if n < own {
				open = func() (io.ReadCloser, error) { return openStream(s.ctx, at, n, path(n)) }
			}
			stream, err := open()
			if err != nil {
				<-slots
				e.ready <- err
				return
			}
			mu.Lock()
			e.conns = append(e.conns, stream)
			mu.Unlock()
			e.read(n, stream, func() { <-slots })
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

// onlyHTTP2 returns HTTP/2 without TLS.
func onlyHTTP2() *http.Protocols {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	return protocols
}

// openStream requests a stream on a connection of its own, from one of the loopback addresses, and
// returns the response with its header.
func openStream(ctx context.Context, at endpoint, n int, path string) (io.ReadCloser, error) {
	host := strings.TrimPrefix(at.url, "http://")
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%sourceAddresses))}}
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	header := ""
	if at.key != "" {
		header = "Authorization: " + at.authorization() + "\r\n"
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n", path, host, header)
	return conn, err
}

// openSharedStream requests a stream by a client whose connections are shared, and returns the
// body of its response.
func openSharedStream(ctx context.Context, client *http.Client, at endpoint, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if at.key != "" {
		req.Header.Set("Authorization", at.authorization())
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(errors.New(res.Status), res.Body.Close())
	}
	return res.Body, nil
}

// read reads a response to its end. It reports that reader n is ready after the first event, and
// calls connected then.
func (e *eventReaders) read(n int, stream io.Reader, connected func()) {
	lines := bufio.NewReaderSize(stream, 512)
	first, whole := true, true
	for {
		line, err := lines.ReadSlice('\n')
		isStart := whole
		whole = !errors.Is(err, bufio.ErrBufferFull)
		switch {
		case err != nil && whole:
			if first {
				connected()
				e.ready <- fmt.Errorf("stream %d ended: %w", n, err)
			}
			return
		case !isStart:
		case bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")):
			connected()
			e.ready <- fmt.Errorf("stream %d: %s", n, bytes.TrimSpace(line))
			return
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
	for _, stream := range e.conns {
		_ = stream.Close() // it may be closed
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
	server := &http.Server{Handler: &eventFanout{readers: map[chan string]struct{}{}}, ReadHeaderTimeout: time.Minute, Protocols: &http.Protocols{}}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
