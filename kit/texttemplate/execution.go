package texttemplate

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

const (
	// MaxSteps is the maximum number of loop rounds, function calls and pipeline values
	// of an execution.
	MaxSteps = 20_000
	// maxFunctionBytes is the maximum size of the results of all functions of an execution
	// together, in bytes. Real templates need a few times MaxText at most.
	maxFunctionBytes = 4 * MaxText
	// maxDepth is the maximum nesting depth of a printed value.
	maxDepth = 100
)

var (
	errTextTooLong    = fmt.Errorf("text or value exceeds %d bytes", MaxText)
	errFunctionOutput = fmt.Errorf("function results exceed %d bytes", maxFunctionBytes)
	errTooManySteps   = fmt.Errorf("execution exceeds %d steps", MaxSteps)
	errTooDeep        = errors.New("value is nested too deeply to print")
)

// An execution is one execution of a template, with its limits.
type execution struct {
	text  strings.Builder
	end   time.Time
	steps int
	made  int

	escape func(string) string // of printed values; nil for none
}

// Write appends a piece of the text.
func (e *execution) Write(piece []byte) (int, error) {
	if e.text.Len()+len(piece) > MaxText {
		return 0, errTextTooLong
	}
	if err := e.countStep(); err != nil {
		return 0, err
	}
	return e.text.Write(piece)
}

// countStep counts a step. It returns an error when the steps or the time are used up.
func (e *execution) countStep() error {
	if e.steps++; e.steps > MaxSteps {
		return errTooManySteps
	}
	if time.Now().After(e.end) {
		return ErrTimeout
	}
	return nil
}

// chargeBytes counts n bytes of function results, before they are allocated.
func (e *execution) chargeBytes(n int) error {
	if n > MaxText {
		return errTextTooLong
	}
	if e.made += n; e.made > maxFunctionBytes {
		return errFunctionOutput
	}
	return e.countStep()
}

// chargeText counts the bytes of a function result, and returns it.
func (e *execution) chargeText(text string) (string, error) {
	if err := e.chargeBytes(len(text)); err != nil {
		return "", err
	}
	return text, nil
}

// A sizeEstimator estimates an upper bound of the printed size of values, in bytes.
type sizeEstimator struct {
	base int // overhead of each value
	left int // remaining bytes; below 0 the estimate stops
}

// sizeOf returns an upper bound of the size of values as printed by print, or an error
// if they exceed MaxText.
func sizeOf(values []any) (int, error) {
	s := sizeEstimator{base: 4, left: MaxText}
	for _, v := range values {
		if err := s.add(v, 0); err != nil {
			return 0, err
		}
	}
	return MaxText - s.left, nil
}

// add adds the size of a value.
func (s *sizeEstimator) add(value any, depth int) error {
	switch v := value.(type) {
	case nil:
		return s.take(16)
	case string:
		return s.take(len(v))
	case bool, int, int64, float64:
		return s.take(32)
	case []any:
		return s.addAll(len(v), depth, func(i int) any { return v[i] })
	case map[string]any:
		if err := s.take(32); err != nil {
			return err
		}
		for name, item := range v {
			if err := s.addAll(2, depth, func(i int) any { return [...]any{name, item}[i] }); err != nil {
				return err
			}
		}
		return nil
	}
	return s.reflect(reflect.ValueOf(value), depth)
}

// reflect adds the size of a value of any other type.
func (s *sizeEstimator) reflect(v reflect.Value, depth int) error {
	switch v.Kind() {
	case reflect.String:
		return s.take(v.Len())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return s.take(16)
		}
		return s.addAll(1, depth, func(int) any { return readableValue(v.Elem()) })
	case reflect.Slice, reflect.Array:
		return s.addAll(v.Len(), depth, func(i int) any { return readableValue(v.Index(i)) })
	case reflect.Struct:
		return s.addAll(v.NumField(), depth, func(i int) any { return readableValue(v.Field(i)) })
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := s.addAll(2, depth, func(i int) any { return readableValue([...]reflect.Value{key, v.MapIndex(key)}[i]) }); err != nil {
				return err
			}
		}
	}
	return s.take(64)
}

// readableValue returns a readable value, or nil for an unexported field.
func readableValue(v reflect.Value) any {
	if !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

// addAll adds the sizes of the n parts of a value.
func (s *sizeEstimator) addAll(n, depth int, part func(int) any) error {
	if depth >= maxDepth {
		return errTooDeep
	}
	if err := s.take(32); err != nil {
		return err
	}
	for i := range n {
		if err := s.add(part(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *sizeEstimator) take(n int) error {
	if s.left -= n + s.base; s.left < 0 {
		return errTextTooLong
	}
	return nil
}
