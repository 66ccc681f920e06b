package fault

import (
	"cmp"
	"fmt"
	"time"
)

// A Field is an invalid field of a request.
type Field struct {
	// Path is the path of the field as the schema spells it, such as "users[3].nick_name",
	// or the name of a header.
	Path string
	// Problem says what is wrong with the value.
	Problem string
}

// A Resource is the thing that does not exist, or that exists already.
type Resource struct {
	Type string // a noun in lower case, such as "group" or "idempotency key"
	Name string // its name or id
}

// InvalidField is Invalidf for one field: the text is the path, a colon and the formatted
// text.
func InvalidField(path, format string, args ...any) error {
	problem := fmt.Errorf(format, args...)
	return &detailed{error: Invalidf("%s: %w", path, problem), fields: []Field{{path, problem.Error()}}}
}

// WithField returns err with a field of the request, whose problem is the text of err.
func WithField(err error, path string) error {
	return &detailed{error: err, fields: []Field{{path, err.Error()}}}
}

// WithFields returns err with fields of the request. It keeps the slice.
func WithFields(err error, fields []Field) error {
	return &detailed{error: err, fields: fields}
}

// Within returns err for a message in a field: with the path and a dot before its text and
// before the paths of its fields.
func Within(path string, err error) error {
	fields := Fields(err)
	for i := range fields {
		fields[i].Path = path + "." + fields[i].Path
	}
	return WithFields(fmt.Errorf("%s.%w", path, err), fields)
}

// WithResource returns err with the resource that it is about. The name is formatted by
// fmt.Sprint.
func WithResource(err error, kind string, name any) error {
	return &detailed{error: err, resource: Resource{kind, fmt.Sprint(name)}}
}

// WithReason returns err with a reason: a constant in UPPER_SNAKE_CASE of at most 63
// characters, which programs compare and which never changes.
func WithReason(err error, reason string) error {
	return &detailed{error: err, reason: reason}
}

// WithDelay returns err with the time after which a retry may succeed.
func WithDelay(err error, delay time.Duration) error {
	return &detailed{error: err, delay: delay}
}

// Fields returns the fields of err: of each error in its tree that has fields, but not of
// those that this error wraps, which are its cause.
func Fields(err error) (fields []Field) {
	walk(err, func(d *detailed) bool {
		fields = append(fields, d.fields...)
		return len(d.fields) > 0
	})
	return fields
}

// ResourceOf returns the outermost resource of err, and false if it has none.
func ResourceOf(err error) (r Resource, ok bool) {
	walk(err, func(d *detailed) bool {
		if !ok && d.resource != (Resource{}) {
			r, ok = d.resource, true
		}
		return ok
	})
	return r, ok
}

// ReasonOf returns the outermost reason of err, and "" if it has none.
func ReasonOf(err error) (reason string) {
	walk(err, func(d *detailed) bool {
		reason = cmp.Or(reason, d.reason)
		return reason != ""
	})
	return reason
}

// DelayOf returns the outermost delay of err, and 0 if it has none.
func DelayOf(err error) (delay time.Duration) {
	walk(err, func(d *detailed) bool {
		delay = cmp.Or(delay, d.delay)
		return delay != 0
	})
	return delay
}

// A detailed is an error with a detail. Its text is that of the error.
type detailed struct {
	error

	fields   []Field
	resource Resource
	reason   string
	delay    time.Duration
}

// Unwrap returns the error without the detail.
func (e *detailed) Unwrap() error { return e.error }

// walk calls visit for each detailed error in the tree of err, the outer ones first. It skips
// the errors that a detailed error wraps if visit returns true for it.
func walk(err error, visit func(*detailed) bool) {
	if d, ok := err.(*detailed); ok && visit(d) { //nolint:errorlint // each error of the tree is visited
		return
	}
	switch e := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			walk(inner, visit)
		}
	}
}
