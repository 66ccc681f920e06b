package main

import (
	"bytes"
	"io"
	"sync"
)

// A curtain is a writer that keeps what it gets until it is opened. What is said
// in front of it is written at once.
type curtain struct {
	mu     sync.Mutex
	w      io.Writer
	opened bool
	behind bytes.Buffer
}

// Write is what happens behind the curtain.
func (c *curtain) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened {
		return c.behind.Write(b)
	}
	return c.w.Write(b)
}

// open shows what happened behind, and from now on what happens.
func (c *curtain) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = true
	_, _ = c.behind.WriteTo(c.w) // a reader that left needs no tour
}

// say writes in front of the curtain.
func (c *curtain) say(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.w, text)
}
