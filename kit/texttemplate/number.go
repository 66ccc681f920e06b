package texttemplate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
)

// maxDigits and maxExponent limit the numbers of exact arithmetic, whose cost is
// otherwise unbounded. Longer numbers are treated as text.
const (
	maxDigits   = 100
	maxExponent = 400
)

// A printfNumber is a number as an argument of printf: %s and %v print it as it was written,
// %d and the like as an integer, %f and the like as a fraction.
type printfNumber struct {
	value any
	exact *big.Rat
}

// Format implements fmt.Formatter.
func (n printfNumber) Format(state fmt.State, verb rune) {
	format := fmt.FormatString(state, verb)
	switch {
	case strings.ContainsRune("dbocxXU", verb) && n.exact.IsInt():
		fmt.Fprintf(state, format, n.exact.Num())
	case strings.ContainsRune("eEfFgG", verb):
		fmt.Fprintf(state, format, new(big.Float).SetPrec(512).SetRat(n.exact))
	default:
		fmt.Fprintf(state, format, n.value)
	}
}

// printfValues returns the arguments of printf, with JSON numbers and int64 as figures.
func printfValues(values []any) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
		switch v.(type) {
		case json.Number, int64:
			if exact, ok := parseNumber(v); ok {
				all[i] = printfNumber{v, exact}
			}
		}
	}
	return all
}

// parseNumber returns the exact value of a number; false if value is no number or too long.
func parseNumber(value any) (*big.Rat, bool) {
	if text, ok := value.(json.Number); ok {
		mantissa, exponent, _ := strings.Cut(strings.ToLower(text.String()), "e")
		if n, err := strconv.Atoi(exponent); exponent != "" && (err != nil || n > maxExponent || n < -maxExponent) || len(mantissa) > maxDigits {
			return nil, false
		}
		return new(big.Rat).SetString(text.String())
	}
	switch v := reflect.ValueOf(value); {
	case v.CanInt():
		return new(big.Rat).SetInt64(v.Int()), true
	case v.CanUint():
		return new(big.Rat).SetInt(new(big.Int).SetUint64(v.Uint())), true
	case v.CanFloat():
		exact := new(big.Rat).SetFloat64(v.Float())
		return exact, exact != nil
	}
	return nil, false
}

// errCompare is the error of text/template for values without an order.
var errCompare = errors.New("incompatible types for comparison")

// compareValues compares two numbers of any type, or two texts.
func compareValues(a, b any) (int, error) {
	x, isNumber := parseNumber(a)
	if y, ok := parseNumber(b); ok && isNumber {
		return x.Cmp(y), nil
	}
	x1, ok1 := asText(a)
	if x2, ok2 := asText(b); ok1 && ok2 {
		return strings.Compare(x1, x2), nil
	}
	return 0, errCompare
}

// asText returns value as text if it is a string, such as a number that is too long.
func asText(value any) (string, bool) {
	v := reflect.ValueOf(value)
	return v.String(), v.Kind() == reflect.String
}

// equalValues reports whether a equals one of others. It is eq of text/template, except that
// numbers of different types are compared by value.
func equalValues(a any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, errors.New("missing argument for comparison")
	}
	for _, b := range others {
		if a == nil || b == nil {
			if a == b {
				return true, nil
			}
			continue
		}
		x, isBool := a.(bool)
		if y, ok := b.(bool); ok && isBool {
			if x == y {
				return true, nil
			}
			continue
		}
		order, err := compareValues(a, b)
		if err != nil {
			return false, err
		}
		if order == 0 {
			return true, nil
		}
	}
	return false, nil
}

// comparisons replaces the comparison functions of text/template, for numbers of any
// type.
var comparisons = map[string]any{
	"eq": equalValues,
	"ne": func(a, b any) (bool, error) { same, err := equalValues(a, b); return !same, err },
	"lt": func(a, b any) (bool, error) { order, err := compareValues(a, b); return order < 0, err },
	"le": func(a, b any) (bool, error) { order, err := compareValues(a, b); return order <= 0, err },
	"gt": func(a, b any) (bool, error) { order, err := compareValues(a, b); return order > 0, err },
	"ge": func(a, b any) (bool, error) { order, err := compareValues(a, b); return order >= 0, err },
}

// truthFunc is the function at the end of every pipeline that is tested.
const truthFunc = "truth"

// truthOf returns a value for a condition: the number zero, also as 0.0, is empty.
func truthOf(value any) any {
	if n, ok := value.(json.Number); ok {
		if exact, ok := parseNumber(n); ok && exact.Sign() == 0 {
			return ""
		}
	}
	return value
}
