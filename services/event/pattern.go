package event

import (
	"strings"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A Pattern matches types of events, in words with dots: order.created is the type itself, * in
// place of a word any one word, and > at the end one or more words. It is safe for concurrent
// use.
type Pattern struct {
	words []string
	rest  bool // one or more words follow
}

// ParsePattern parses a pattern. Errors are fault.ErrInvalid.
func ParsePattern(text string) (Pattern, error) {
	words := strings.Split(text, ".")
	p := Pattern{words: words}
	if last := len(words) - 1; words[last] == ">" {
		p.words, p.rest = words[:last], true
	}
	for _, word := range p.words {
		switch {
		case word == "":
			return Pattern{}, fault.Invalidf("pattern %q has an empty word", text)
		case word == ">":
			return Pattern{}, fault.Invalidf("pattern %q: > must be the last word", text)
		case word != "*" && strings.ContainsAny(word, "*>"):
			return Pattern{}, fault.Invalidf("pattern %q: * and > must be whole words", text)
		}
	}
	return p, nil
}

// Match reports whether the pattern matches a type.
func (p Pattern) Match(eventType string) bool {
	for _, want := range p.words {
		word, rest, more := strings.Cut(eventType, ".")
		if word == "" || want != "*" && want != word {
			return false
		}
		if !more {
			rest = ""
		}
		eventType = rest
	}
	if p.rest {
		return eventType != ""
	}
	return eventType == ""
}
