package texttemplate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// expansions is the maximum growth of a value by verb, compared to print: %q encodes
// one byte as \x00, "% #x" as 0x00 and a space, %f a number as three hundred digits.
var expansions = map[byte]int{'q': 5, 'x': 5, 'X': 5, 'f': 12, 'F': 12, 'e': 12, 'E': 12, 'g': 12, 'G': 12, 'b': 12, 'U': 5, 'c': 5}

// printfOverhead is the maximum overhead of printf for each value, in bytes.
const printfOverhead = 48

// printf is fmt.Sprintf with limits: arguments are used once and in order, and width
// and precision have at most two digits. It returns an error before it formats a result
// that might exceed the limit of function results.
func (e *execution) printf(format string, values ...any) (string, error) {
	verbs, err := readVerbs(format)
	if err != nil {
		return "", err
	}
	if len(format) > MaxText {
		return "", errTextTooLong
	}
	most := len(format) + verbs.count*printfOverhead
	for _, v := range values {
		most += printfOverhead // as in %!(EXTRA …)
		if _, ok := v.(json.Number); ok {
			most += maxDigits + maxExponent // as formatted by %f
		}
	}
	s := sizeEstimator{base: printfOverhead + verbs.width, left: (maxFunctionBytes - most) / verbs.expansion}
	for _, v := range values {
		if err := s.add(v, 0); err != nil {
			return "", err
		}
	}
	return e.chargeText(fmt.Sprintf(format, printfValues(values)...))
}

// A formatVerbs holds upper bounds over the verbs of a format.
type formatVerbs struct{ count, width, expansion int }

// readVerbs parses a format.
func readVerbs(format string) (formatVerbs, error) {
	all := formatVerbs{expansion: 1}
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
			return formatVerbs{}, errors.New("printf does not support argument indexes such as %[1]s")
		case len(width) > 2 || len(precision) > 2 || strings.HasPrefix(verb, "*"):
			return formatVerbs{}, errors.New("printf width and precision must have at most two digits")
		case verb == "":
			return all, nil
		}
		all.count++
		all.width = max(all.width, digitsValue(width)+digitsValue(precision))
		all.expansion = max(all.expansion, expansions[verb[0]])
		format = verb[1:]
	}
}

// leadingDigits splits a text after its leading digits.
func leadingDigits(text string) (digits, rest string) {
	rest = strings.TrimLeft(text, "0123456789")
	return text[:len(text)-len(rest)], rest
}

// digitsValue returns the value of at most two digits; 0 for none.
func digitsValue(digits string) int {
	n, _ := strconv.Atoi(digits) // an empty text returns 0
	return n
}
