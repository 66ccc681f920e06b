package phrase

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"text/template"
)

// tick is the name of the function that every round of a range calls.
const tick = "tick"

// functions are those of templates: text/template's, as far as they could say more
// than they are given, with a bound; and a few for texts. r is nil where a template is
// only checked.
func functions(r *run) template.FuncMap {
	all := template.FuncMap{
		need:       needed,
		truth:      truthOf,
		tick:       func() (string, error) { return r.tick() },
		"print":    of(fmt.Sprint),
		"println":  of(fmt.Sprintln),
		"printf":   printf,
		"html":     of(template.HTMLEscaper),
		"js":       of(template.JSEscaper),
		"urlquery": of(template.URLQueryEscaper),
		"call":     func(...any) (string, error) { return "", errors.New("call is not for templates") },
		"upper":    strings.ToUpper,
		"lower":    strings.ToLower,
		"trim":     strings.TrimSpace,
		"default":  instead,
		"join":     join,
	}
	maps.Copy(all, comparisons)
	return all
}

// verbs are what printf replaces, and wide those that would fill a screen with
// spaces.
var (
	verbs = regexp.MustCompile(`%[^a-zA-Z%]*`)
	wide  = regexp.MustCompile(`\*|[0-9]{3}`)
)

// printf is fmt's, but that a width or a precision has two figures at most.
func printf(format string, values ...any) (string, error) {
	for _, verb := range verbs.FindAllString(format, -1) {
		if wide.MatchString(verb) {
			return "", errors.New("printf takes widths of two figures at most here")
		}
	}
	return bounded(func() string { return fmt.Sprintf(format, figures(values)...) }, values)
}

// bounded says a text of values, unless they or it are too long.
func bounded(say func() string, values []any) (string, error) {
	most := 0
	for _, v := range values {
		if text, is := v.(string); is {
			most += len(text)
		}
	}
	if most > MaxText {
		return "", errMuch
	}
	text := say()
	if len(text) > MaxText {
		return "", errMuch
	}
	return text, nil
}

// of is a function of text/template with that bound.
func of(escape func(...any) string) func(...any) (string, error) {
	return func(values ...any) (string, error) {
		return bounded(func() string { return escape(values...) }, values)
	}
}

// join joins values, each as print would say it.
func join(by string, values []any) (string, error) {
	return bounded(func() string {
		words := make([]string, len(values))
		for i, v := range values {
			words[i] = fmt.Sprint(v)
		}
		return strings.Join(words, by)
	}, append([]any{strings.Repeat(by, min(len(values), MaxText))}, values...))
}

// instead is value, or the first argument where it is empty.
func instead(empty, value any) any {
	if value == nil || value == "" {
		return empty
	}
	return value
}
