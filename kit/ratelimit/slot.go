package ratelimit

import (
	"strconv"
	"strings"
)

// A Slot is a reserved place in the order of calls under a key. Its time depends on the
// limiter state, and When returns it. The zero Slot is none.
type Slot struct {
	generation string // generation of the limiter state
	at         int64  // microseconds, without the shifts since
	urgent     bool
}

// IsZero reports whether it is the zero Slot.
func (s Slot) IsZero() bool { return s.generation == "" }

// String returns the text that ParseSlot parses; empty for the zero Slot.
func (s Slot) String() string {
	if s.IsZero() {
		return ""
	}
	mark := "o"
	if s.urgent {
		mark = "u"
	}
	return s.generation + mark + strconv.FormatInt(s.at, 36)
}

// generationLen is the length of a generation in characters.
const generationLen = 8

// ParseSlot parses a slot. For an invalid text it returns the zero Slot: then another
// slot is reserved.
func ParseSlot(text string) Slot {
	if len(text) <= generationLen+1 {
		return Slot{}
	}
	life, mark, rest := text[:generationLen], text[generationLen], text[generationLen+1:]
	at, err := strconv.ParseInt(rest, 36, 64)
	if err != nil || mark != 'o' && mark != 'u' || strings.ContainsAny(life, " ;") {
		return Slot{}
	}
	return Slot{generation: life, at: at, urgent: mark == 'u'}
}
