package phrase

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
	// maxMade is the maximum size of the results of all functions of an execution
	// together, in bytes. Real templates need a few times MaxText at most.
	maxMade = 4 * MaxText
	// maxDepth is the maximum nesting depth of a printed value.
	maxDepth = 100
)

var (
	errLong  = fmt.Errorf("execution exceeds %s", MaxTime)
	errMuch  = fmt.Errorf("text or value exceeds %d bytes", MaxText)
	errMade  = fmt.Errorf("function results exceed %d bytes", maxMade)
	errSteps = fmt.Errorf("execution exceeds %d steps", MaxSteps)
	errDeep  = errors.New("value is nested too deeply to print")
)

// A run is one execution of a template, with its limits.
type run struct {
	text  strings.Builder
	end   time.Time
	steps int
	made  int
}

// Write appends a piece of the text.
func (r *run) Write(piece []byte) (int, error) {
	if r.text.Len()+len(piece) > MaxText {
		return 0, errMuch
	}
	if err := r.step(); err != nil {
		return 0, err
	}
	return r.text.Write(piece)
}

// step counts a step. It returns an error when the steps or the time are used up.
func (r *run) step() error {
	if r.steps++; r.steps > MaxSteps {
		return errSteps
	}
	if time.Now().After(r.end) {
		return errLong
	}
	return nil
}

// spend counts n bytes of function results, before they are allocated.
func (r *run) spend(n int) error {
	if n > MaxText {
		return errMuch
	}
	if r.made += n; r.made > maxMade {
		return errMade
	}
	return r.step()
}

// keep counts the bytes of a function result, and returns it.
func (r *run) keep(text string) (string, error) {
	if err := r.spend(len(text)); err != nil {
		return "", err
	}
	return text, nil
}

// A measure estimates an upper bound of the printed size of values, in bytes.
type measure struct {
	base int // overhead of each value
	left int // remaining bytes; below 0 the estimate stops
}

// sizeOf returns an upper bound of the size of values as printed by print, or an error
// if they exceed MaxText.
func sizeOf(values []any) (int, error) {
	m := measure{base: 4, left: MaxText}
	for _, v := range values {
		if err := m.add(v, 0); err != nil {
			return 0, err
		}
	}
	return MaxText - m.left, nil
}

// add adds the size of a value.
func (m *measure) add(value any, depth int) error {
	switch v := value.(type) {
	case nil:
		return m.take(16)
	case string:
		return m.take(len(v))
	case bool, int, int64, float64:
		return m.take(32)
	case []any:
		return m.addAll(len(v), depth, func(i int) any { return v[i] })
	case map[string]any:
		if err := m.take(32); err != nil {
			return err
		}
		for name, item := range v {
			if err := m.addAll(2, depth, func(i int) any { return [...]any{name, item}[i] }); err != nil {
				return err
			}
		}
		return nil
	}
	return m.reflect(reflect.ValueOf(value), depth)
}

// reflect adds the size of a value of any other type.
func (m *measure) reflect(v reflect.Value, depth int) error {
	switch v.Kind() {
	case reflect.String:
		return m.take(v.Len())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return m.take(16)
		}
		return m.addAll(1, depth, func(int) any { return exported(v.Elem()) })
	case reflect.Slice, reflect.Array:
		return m.addAll(v.Len(), depth, func(i int) any { return exported(v.Index(i)) })
	case reflect.Struct:
		return m.addAll(v.NumField(), depth, func(i int) any { return exported(v.Field(i)) })
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := m.addAll(2, depth, func(i int) any { return exported([...]reflect.Value{key, v.MapIndex(key)}[i]) }); err != nil {
				return err
			}
		}
	}
	return m.take(64)
}

// exported returns a readable value, or nil for an unexported field.
func exported(v reflect.Value) any {
	if !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

// addAll adds the sizes of the n parts of a value.
func (m *measure) addAll(n, depth int, part func(int) any) error {
	if depth >= maxDepth {
		return errDeep
	}
	if err := m.take(32); err != nil {
		return err
	}
	for i := range n {
		if err := m.add(part(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (m *measure) take(n int) error {
	if m.left -= n + m.base; m.left < 0 {
		return errMuch
	}
	return nil
}
