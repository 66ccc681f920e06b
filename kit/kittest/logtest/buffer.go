// Package logtest records logs for tests.
package logtest

import (
	"bytes"
	"strings"
	"sync"
)

// Buffer is a log to which several goroutines may write. The zero value is empty and
// ready to use.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends p to the log.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns the whole log.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Count returns how often part occurs in the log.
func (b *Buffer) Count(part string) int { return strings.Count(b.String(), part) }
