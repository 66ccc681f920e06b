package main

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

// Write buffers b, or writes it if the curtain is open.
func (c *deferredOutput) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened {
		return c.behind.Write(b)
	}
	return c.w.Write(b)
}

// open flushes the buffer and stops buffering.
func (c *deferredOutput) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = true
	_, _ = c.behind.WriteTo(c.w) // a write error means that the reader has gone
}

// writeFirst writes text at once, before the buffered writes.
func (c *deferredOutput) writeFirst(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.w, text)
}
