package phrase

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

const (
	// MaxSteps is how many rounds of ranges, calls of functions and values an execution
	// may go through.
	MaxSteps = 20_000
	// maxMade is how many bytes all functions of an execution may make together. What a
	// template needs is a few times MaxText at most.
	maxMade = 4 * MaxText
	// maxDepth is how deep a value may be nested that is printed.
	maxDepth = 100
)

var (
	errLong  = fmt.Errorf("it takes longer than %s", MaxTime)
	errMuch  = fmt.Errorf("it says more than %d bytes", MaxText)
	errMade  = fmt.Errorf("its functions make more than %d bytes", maxMade)
	errSteps = fmt.Errorf("it takes more than %d steps", MaxSteps)
	errDeep  = errors.New("a value is nested too deeply to be printed")
)

// A run is one execution, within its bounds.
type run struct {
	text  strings.Builder
	end   time.Time
	steps int
	made  int
}

// Write takes a piece of the text.
func (r *run) Write(piece []byte) (int, error) {
	if r.text.Len()+len(piece) > MaxText {
		return 0, errMuch
	}
	if err := r.step(); err != nil {
		return 0, err
	}
	return r.text.Write(piece)
}

// step fails where no step or no time is left.
func (r *run) step() error {
	if r.steps++; r.steps > MaxSteps {
		return errSteps
	}
	if time.Now().After(r.end) {
		return errLong
	}
	return nil
}

// spend takes n bytes from what functions may make, before they are made.
func (r *run) spend(n int) error {
	if n > MaxText {
		return errMuch
	}
	if r.made += n; r.made > maxMade {
		return errMade
	}
	return r.step()
}

// keep returns a text that a function made, and spends it.
func (r *run) keep(text string) (string, error) {
	if err := r.spend(len(text)); err != nil {
		return "", err
	}
	return text, nil
}

// A measure estimates how many bytes values are when they are printed, at most.
type measure struct {
	base int // of each value, beside a text's own bytes
	left int // it stops when this is spent
}

// sizeOf returns at most how many bytes values are when print prints them, or fails where
// they are more than MaxText.
func sizeOf(values []any) (int, error) {
	m := measure{base: 4, left: MaxText}
	for _, v := range values {
		if err := m.add(v, 0); err != nil {
			return 0, err
		}
	}
	return MaxText - m.left, nil
}

// add adds a value.
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

// reflect adds a value of any other type.
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

// exported returns a value that may be read; of others nothing but that they are there.
func exported(v reflect.Value) any {
	if !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

// addAll adds a value of n parts.
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
