package texttemplate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"reflect"
	"strings"
	"text/template"
)

// The names of the functions that instrument inserts into templates.
const (
	tickFunc = "tick" // at the start of every loop round
	passFunc = "pass" // at the end of every pipeline that is assigned to a variable
	eachFunc = "each" // at the end of every pipeline that is ranged over
	showFunc = "show" // at the end of every pipeline that is printed
)

// functions returns the functions of templates: text functions of our own, and those of
// text/template whose result can be larger than their arguments, with limits. r is nil
// if a template is only parsed. The other functions of text/template allocate nothing.
func functions(e *execution) template.FuncMap {
	all := template.FuncMap{
		needFunc:   requireField,
		truthFunc:  func(value any) (any, error) { return truthOf(value), e.countStep() },
		tickFunc:   func() (string, error) { return "", e.countStep() },
		passFunc:   func(value any) (any, error) { return value, e.countStep() },
		eachFunc:   e.checkRange,
		showFunc:   e.checkPrinted,
		"print":    e.print,
		"println":  e.println,
		"printf":   e.printf,
		"html":     e.escapeFunc(template.HTMLEscape),
		"js":       e.escapeFunc(template.JSEscape),
		"urlquery": e.escapeFunc(escapeQuery),
		"urlpath":  e.urlPath,
		"json":     e.json,
		"call":     func(...any) (string, error) { return "", errors.New("function call is not available") },
		"upper":    e.textFunc(strings.ToUpper),
		"lower":    e.textFunc(strings.ToLower),
		"trim":     e.textFunc(strings.TrimSpace),
		"default":  defaultTo,
		"join":     e.join,
	}
	maps.Copy(all, comparisons)
	return all
}

// checkRange returns a value to range over, or an error if it has more than MaxSteps items.
func (e *execution) checkRange(value any) (any, error) {
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
		return nil, errTooManySteps
	}
	return value, e.countStep()
}

// checkPrinted returns a value to print, or an error if it is too long.
func (e *execution) checkPrinted(value any) (any, error) {
	if _, err := sizeOf([]any{value}); err != nil {
		return nil, err
	}
	if e.escape != nil && value != nil {
		return e.escape(fmt.Sprint(value)), e.countStep()
	}
	return value, e.countStep()
}

// print is fmt.Sprint with limits.
func (e *execution) print(values ...any) (string, error) {
	if _, err := sizeOf(values); err != nil {
		return "", err
	}
	return e.chargeText(fmt.Sprint(values...))
}

// println is fmt.Sprintln with limits.
func (e *execution) println(values ...any) (string, error) {
	if _, err := sizeOf(values); err != nil {
		return "", err
	}
	return e.chargeText(fmt.Sprintln(values...))
}

// join joins values, each formatted like print.
func (e *execution) join(by string, values []any) (string, error) {
	n, err := sizeOf(values)
	if err != nil {
		return "", err
	}
	if n+len(by)*len(values) > MaxText {
		return "", errTextTooLong
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return e.chargeText(strings.Join(words, by))
}

// escapeFunc returns a function that formats its arguments like print and escapes the
// result.
func (e *execution) escapeFunc(escape func(io.Writer, []byte)) func(...any) (string, error) {
	return func(values ...any) (string, error) {
		text, err := e.print(values...)
		if err != nil {
			return "", err
		}
		var to cappedBuffer
		escape(&to, []byte(text))
		if to.full {
			return "", errTextTooLong
		}
		return e.chargeText(to.text.String())
	}
}

// json returns a value as JSON. The special characters of HTML are not escaped.
func (e *execution) json(value any) (string, error) {
	if _, err := sizeOf([]any{value}); err != nil {
		return "", err
	}
	var to cappedBuffer
	encoder := json.NewEncoder(&to)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return e.chargeText(strings.TrimSuffix(to.text.String(), "\n"))
}

// urlPath escapes its arguments, formatted like print, for one segment of a URL's path.
func (e *execution) urlPath(values ...any) (string, error) {
	text, err := e.print(values...)
	if err != nil {
		return "", err
	}
	if 3*len(text) > MaxText {
		return "", errTextTooLong
	}
	return e.chargeText(url.PathEscape(text))
}

// textFunc returns a function that applies change, which must not lengthen a text by
// much.
func (e *execution) textFunc(change func(string) string) func(string) (string, error) {
	return func(text string) (string, error) {
		if len(text) > MaxText {
			return "", errTextTooLong
		}
		return e.chargeText(change(text))
	}
}

// A cappedBuffer is a buffer of at most MaxText bytes.
type cappedBuffer struct {
	text strings.Builder
	full bool
}

func (b *cappedBuffer) Write(piece []byte) (int, error) {
	if b.full = b.full || b.text.Len()+len(piece) > MaxText; b.full {
		return 0, errTextTooLong
	}
	return b.text.Write(piece)
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

// defaultTo returns value, or the first argument if value is empty.
func defaultTo(empty, value any) any {
	if value == nil || value == "" {
		return empty
	}
	return value
}
