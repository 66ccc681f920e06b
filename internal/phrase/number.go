package phrase

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
)

// maxDigits and maxExponent bound the numbers that are computed with: longer ones are
// texts, as the work on them has no bound.
const (
	maxDigits   = 100
	maxExponent = 400
)

// A figure is a number for printf: a text for %s and %v, as it was written, an
// integer for %d and the like, and a fraction for %f and the like.
type figure struct {
	value any
	exact *big.Rat
}

// Format prints the number.
func (f figure) Format(state fmt.State, verb rune) {
	format := fmt.FormatString(state, verb)
	switch {
	case strings.ContainsRune("dbocxXU", verb) && f.exact.IsInt():
		fmt.Fprintf(state, format, f.exact.Num())
	case strings.ContainsRune("eEfFgG", verb):
		fmt.Fprintf(state, format, new(big.Float).SetPrec(512).SetRat(f.exact))
	default:
		fmt.Fprintf(state, format, f.value)
	}
}

// figures returns the values for printf, numbers of JSON as figures.
func figures(values []any) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
		switch v.(type) {
		case json.Number, int64:
			if exact, ok := number(v); ok {
				all[i] = figure{v, exact}
			}
		}
	}
	return all
}

// number returns the value of a number; false where it is none, or too long.
func number(value any) (*big.Rat, bool) {
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

// errCompare is text/template's error for what has no order.
var errCompare = errors.New("incompatible types for comparison")

// compare orders two numbers of any type, or two texts.
func compare(a, b any) (int, error) {
	x, isNumber := number(a)
	if y, ok := number(b); ok && isNumber {
		return x.Cmp(y), nil
	}
	x1, ok1 := textual(a)
	if x2, ok2 := textual(b); ok1 && ok2 {
		return strings.Compare(x1, x2), nil
	}
	return 0, errCompare
}

// textual returns the text of a text, or of a number that is too long.
func textual(value any) (string, bool) {
	v := reflect.ValueOf(value)
	return v.String(), v.Kind() == reflect.String
}

// equal reports whether a is one of others, as text/template's eq, but for numbers
// whatever their types.
func equal(a any, others ...any) (bool, error) {
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
		order, err := compare(a, b)
		if err != nil {
			return false, err
		}
		if order == 0 {
			return true, nil
		}
	}
	return false, nil
}

// comparisons are text/template's, for numbers of any type.
var comparisons = map[string]any{
	"eq": equal,
	"ne": func(a, b any) (bool, error) { same, err := equal(a, b); return !same, err },
	"lt": func(a, b any) (bool, error) { order, err := compare(a, b); return order < 0, err },
	"le": func(a, b any) (bool, error) { order, err := compare(a, b); return order <= 0, err },
	"gt": func(a, b any) (bool, error) { order, err := compare(a, b); return order > 0, err },
	"ge": func(a, b any) (bool, error) { order, err := compare(a, b); return order >= 0, err },
}

// truth is the name of the function that ends every pipeline whose value is tested.
const truth = "truth"

// truthOf returns a value for a condition: a number that is zero, such as 0.0, is empty.
func truthOf(value any) any {
	if n, ok := value.(json.Number); ok {
		if exact, ok := number(n); ok && exact.Sign() == 0 {
			return ""
		}
	}
	return value
}
