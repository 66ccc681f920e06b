package telemetry

import (
	"io"
	"sync"
	"time"
)

const (
	// flushInterval is the longest time for which a line is kept in memory.
	flushInterval = 100 * time.Millisecond
	// flushBytes is the size at which lines are written at once.
	flushBytes = 32 << 10
	// maxPendingBytes limits the lines in memory while the writer is slow; further ones
	// are dropped.
	maxPendingBytes = 1 << 20
	// lineBytes is the size of a line that needs no memory beside the stack.
	lineBytes = 768
)

// An AccessLog writes lines of requests. A request does not wait for the writer: lines are
// written in the background within 100 ms, and dropped while 1 MiB of them waits.
// Those of a process that is killed in between are lost. It is safe for concurrent use, and
// must be closed.
type AccessLog struct {
	to     io.Writer
	format *accessFormat

	mu      sync.Mutex
	pending []byte
	spare   []byte // the buffer that is not in use
	closed  bool

	first chan struct{} // a line waits
	full  chan struct{} // flushBytes wait, or it is closed
	ended chan struct{}
}

// NewAccessLog returns an AccessLog that writes whole lines to w in a format. service is the
// name of the program, which ECS lines have.
func NewAccessLog(w io.Writer, f Format, service string) *AccessLog {
	l := &AccessLog{
		to: w, format: newAccessFormat(f, service),
		first: make(chan struct{}, 1), full: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go l.run()
	return l
}

// Write writes the line of an entry. It reports whether the line was taken and not dropped;
// after Close every line is dropped.
func (l *AccessLog) Write(e *AccessEntry) (taken bool) {
	var memory [lineBytes]byte
	text := l.format.append(memory[:0], e)
	l.mu.Lock()
	before := len(l.pending)
	if before >= maxPendingBytes || l.closed {
		l.mu.Unlock()
		return false
	}
	l.pending = append(l.pending, text...)
	after := len(l.pending)
	l.mu.Unlock()
	if before == 0 {
		signal(l.first)
	}
	if before < flushBytes && after >= flushBytes {
		signal(l.full)
	}
	return true
}

// Close writes the waiting lines. It must be called once.
func (l *AccessLog) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	signal(l.full)
	signal(l.first)
	<-l.ended
}

// signal wakes the reader of a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes lines until Close.
func (l *AccessLog) run() {
	defer close(l.ended)
	timer := time.NewTimer(flushInterval)
	defer timer.Stop()
	for {
		<-l.first
		timer.Reset(flushInterval)
		select {
		case <-timer.C:
		case <-l.full:
		}
		if l.flush() {
			return
		}
	}
}

// flush writes the waiting lines, and reports whether the log is closed.
func (l *AccessLog) flush() (closed bool) {
	l.mu.Lock()
	lines := l.pending
	l.pending, l.spare = l.spare[:0], nil
	closed = l.closed
	l.mu.Unlock()
	if len(lines) > 0 {
		_, _ = l.to.Write(lines) // there is no place to report it
	}
	l.mu.Lock()
	l.spare = lines
	l.mu.Unlock()
	return closed
}
