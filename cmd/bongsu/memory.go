package main

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much the heap may grow before it is collected, in percent of what
// is in use. That is some ten megabytes, whatever waits in the ledger; at Go's own 100 a
// tenth of the work of a busy process is to collect it.
const gcPercent = 300

// useMemory lets the heap grow further than Go would, unless GOGC says how far.
func useMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
