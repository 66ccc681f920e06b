package pace

import (
	"strconv"
	"strings"
)

// A Slot is a reserved place in the order of calls under a key. Its time depends on the
// limiter state, and When returns it. The zero Slot is none.
type Slot struct {
	life   string // generation of the limiter state
	at     int64  // microseconds, without the shifts since
	urgent bool
}

// None reports whether it is the zero Slot.
func (s Slot) None() bool { return s.life == "" }

// String returns the text that ParseSlot parses; empty for the zero Slot.
func (s Slot) String() string {
	if s.None() {
		return ""
	}
	mark := "o"
	if s.urgent {
		mark = "u"
	}
	return s.life + mark + strconv.FormatInt(s.at, 36)
}

// lifeLength is the length of a generation in characters.
const lifeLength = 8

// ParseSlot parses a slot. For an invalid text it returns the zero Slot: then another
// slot is reserved.
func ParseSlot(text string) Slot {
	if len(text) <= lifeLength+1 {
		return Slot{}
	}
	life, mark, rest := text[:lifeLength], text[lifeLength], text[lifeLength+1:]
	at, err := strconv.ParseInt(rest, 36, 64)
	if err != nil || mark != 'o' && mark != 'u' || strings.ContainsAny(life, " ;") {
		return Slot{}
	}
	return Slot{life: life, at: at, urgent: mark == 'u'}
}
