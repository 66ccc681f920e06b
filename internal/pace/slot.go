package pace

import (
	"strconv"
	"strings"
)

// A Slot is a place in the line of a key. It is virtual: when it comes up moves
// with the line, and When says it. The zero Slot is none.
type Slot struct {
	life   string // of the line that it is a place of
	at     int64  // microseconds, before what has moved the line since
	urgent bool
}

// None says whether it is no slot.
func (s Slot) None() bool { return s.life == "" }

// String is the slot as ParseSlot reads it; empty for none.
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

// lifeLength is how many characters the name of a line's life has.
const lifeLength = 8

// ParseSlot reads a slot. What it cannot read is none: then one is reserved anew.
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
