package phrase

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
	"text/template"
)

// The names of the functions that guard inserts into templates.
const (
	tick = "tick" // at the start of every loop round
	pass = "pass" // at the end of every pipeline that is assigned to a variable
	each = "each" // at the end of every pipeline that is ranged over
	show = "show" // at the end of every pipeline that is printed
)

// functions returns the functions of templates: text functions of our own, and those of
// text/template whose result can be larger than their arguments, with limits. r is nil
// if a template is only parsed. The other functions of text/template allocate nothing.
func functions(r *run) template.FuncMap {
	all := template.FuncMap{
		need:       needed,
		truth:      func(value any) (any, error) { return truthOf(value), r.step() },
		tick:       func() (string, error) { return "", r.step() },
		pass:       func(value any) (any, error) { return value, r.step() },
		each:       r.each,
		show:       r.show,
		"print":    r.print,
		"println":  r.println,
		"printf":   r.printf,
		"html":     r.escaping(template.HTMLEscape),
		"js":       r.escaping(template.JSEscape),
		"urlquery": r.escaping(escapeQuery),
		"call":     func(...any) (string, error) { return "", errors.New("function call is not available") },
		"upper":    r.changing(strings.ToUpper),
		"lower":    r.changing(strings.ToLower),
		"trim":     r.changing(strings.TrimSpace),
		"default":  instead,
		"join":     r.join,
	}
	maps.Copy(all, comparisons)
	return all
}

// each returns a value to range over, or an error if it has more than MaxSteps items.
func (r *run) each(value any) (any, error) {
	n := 0
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.String:
		n = v.Len()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n = int(min(v.Int(), MaxSteps+1))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		n = int(min(v.Uint(), MaxSteps+1))
	}
	if n > MaxSteps {
		return nil, errSteps
	}
	return value, r.step()
}

// show returns a value to print, or an error if it is too long.
func (r *run) show(value any) (any, error) {
	if _, err := sizeOf([]any{value}); err != nil {
		return nil, err
	}
	return value, r.step()
}

// print is fmt.Sprint with limits.
func (r *run) print(values ...any) (string, error) {
	if _, err := sizeOf(values); err != nil {
		return "", err
	}
	return r.keep(fmt.Sprint(values...))
}

// println is fmt.Sprintln with limits.
func (r *run) println(values ...any) (string, error) {
	if _, err := sizeOf(values); err != nil {
		return "", err
	}
	return r.keep(fmt.Sprintln(values...))
}

// join joins values, each formatted like print.
func (r *run) join(by string, values []any) (string, error) {
	n, err := sizeOf(values)
	if err != nil {
		return "", err
	}
	if n+len(by)*len(values) > MaxText {
		return "", errMuch
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return r.keep(strings.Join(words, by))
}

// escaping returns a function that formats its arguments like print and escapes the
// result.
func (r *run) escaping(escape func(io.Writer, []byte)) func(...any) (string, error) {
	return func(values ...any) (string, error) {
		text, err := r.print(values...)
		if err != nil {
			return "", err
		}
		var to limited
		escape(&to, []byte(text))
		if to.full {
			return "", errMuch
		}
		return r.keep(to.text.String())
	}
}

// changing returns a function that applies change, which must not lengthen a text by
// much.
func (r *run) changing(change func(string) string) func(string) (string, error) {
	return func(text string) (string, error) {
		if len(text) > MaxText {
			return "", errMuch
		}
		return r.keep(change(text))
	}
}

// A limited is a buffer of at most MaxText bytes.
type limited struct {
	text strings.Builder
	full bool
}

func (l *limited) Write(piece []byte) (int, error) {
	if l.full = l.full || l.text.Len()+len(piece) > MaxText; l.full {
		return 0, errMuch
	}
	return l.text.Write(piece)
}

// escapeQuery is url.QueryEscape in pieces of 1 KiB.
func escapeQuery(to io.Writer, text []byte) {
	for len(text) > 0 {
		piece := text[:min(len(text), 1<<10)]
		text = text[len(piece):]
		if _, err := io.WriteString(to, template.URLQueryEscaper(string(piece))); err != nil {
			return
		}
	}
}

// instead returns value, or the first argument if value is empty.
func instead(empty, value any) any {
	if value == nil || value == "" {
		return empty
	}
	return value
}
