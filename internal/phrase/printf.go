package phrase

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// expansions are how many times a value may become as long as print makes it, by verb: %q
// writes \x00 for one byte, "% #x" 0x00 and a space, %f three hundred figures for a number.
var expansions = map[byte]int{'q': 5, 'x': 5, 'X': 5, 'f': 12, 'F': 12, 'e': 12, 'E': 12, 'g': 12, 'G': 12, 'b': 12, 'U': 5, 'c': 5}

// unit is the most that printf writes about one value beside the value.
const unit = 48

// printf is fmt.Sprintf, but that each value is used once, in its order, and that a width or
// a precision has two figures at most. It is not called where it might make more than
// functions may make.
func (r *run) printf(format string, values ...any) (string, error) {
	verbs, err := readVerbs(format)
	if err != nil {
		return "", err
	}
	if len(format) > MaxText {
		return "", errMuch
	}
	most := len(format) + verbs.count*unit
	for _, v := range values {
		most += unit // as %!(EXTRA …) has it
		if _, ok := v.(json.Number); ok {
			most += maxDigits + maxExponent // as %f writes it
		}
	}
	m := measure{base: unit + verbs.width, left: (maxMade - most) / verbs.expansion}
	for _, v := range values {
		if err := m.add(v, 0); err != nil {
			return "", err
		}
	}
	return r.keep(fmt.Sprintf(format, figures(values)...))
}

// A verbs is how far the verbs of a format may go.
type verbs struct{ count, width, expansion int }

// readVerbs reads a format.
func readVerbs(format string) (verbs, error) {
	all := verbs{expansion: 1}
	for {
		_, rest, ok := strings.Cut(format, "%")
		if !ok {
			return all, nil
		}
		flags := strings.TrimLeft(rest, "+-# 0")
		if strings.Contains(rest[:len(rest)-len(flags)], "#") {
			all.expansion = max(all.expansion, 5) // %#v quotes
		}
		width, verb := leadingDigits(flags)
		precision := ""
		if strings.HasPrefix(verb, ".") {
			precision, verb = leadingDigits(verb[1:])
		}
		switch {
		case strings.HasPrefix(verb, "["):
			return verbs{}, errors.New("printf takes its values in their order here: no %[1]s")
		case len(width) > 2 || len(precision) > 2 || strings.HasPrefix(verb, "*"):
			return verbs{}, errors.New("printf takes widths of two figures at most here")
		case verb == "":
			return all, nil
		}
		all.count++
		all.width = max(all.width, digitsValue(width)+digitsValue(precision))
		all.expansion = max(all.expansion, expansions[verb[0]])
		format = verb[1:]
	}
}

// leadingDigits cuts a text behind the digits that it begins with.
func leadingDigits(text string) (digits, rest string) {
	rest = strings.TrimLeft(text, "0123456789")
	return text[:len(text)-len(rest)], rest
}

// digitsValue returns the value of at most two digits; 0 for none.
func digitsValue(digits string) int {
	n, _ := strconv.Atoi(digits) // none is 0
	return n
}
