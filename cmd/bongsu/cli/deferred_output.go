package cli

import (
	"bytes"
	"io"
	"sync"
)

// A deferredOutput is a writer that buffers all writes until it is opened. Text of say is
// written at once. It is safe for concurrent use.
type deferredOutput struct {
	mu     sync.Mutex
	w      io.Writer
	opened bool
	behind bytes.Buffer
}

// Write buffers b, or writes it if the output is no longer deferred.
func (o *deferredOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.opened {
		return o.behind.Write(b)
	}
	return o.w.Write(b)
}

// open flushes the buffer and stops buffering.
func (o *deferredOutput) open() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = true
	_, _ = o.behind.WriteTo(o.w) // a write error means that the reader has gone
}

// writeFirst writes text at once, before the buffered writes.
func (o *deferredOutput) writeFirst(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.w, text)
}
