// Package texttemplate executes templates of text/template that users wrote, whom the process
// need not trust. A template is validated when it is parsed, reads only the data of its
// execution, and is stopped at limits of time, steps, memory and text.
package texttemplate

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// MaxTemplate is the maximum size of a template, in bytes.
	MaxTemplate = 16 << 10
	// MaxText is the maximum size of the resulting text, and of each intermediate
	// value, in bytes.
	MaxText = 64 << 10
	// MaxTime is the timeout of an execution. MaxSteps and MaxText end one before that, unless the
	// machine is very busy: a template that is valid must not fail for that.
	MaxTime = time.Second
)

// A Template is a validated template. It is safe for concurrent use.
type Template struct{ tree *template.Template }

// Parse parses and validates a template of text/template. define, block and template
// are invalid because they allow recursion; the function named call is disabled. Errors
// are fault.ErrInvalid with the position.
func Parse(text string) (*Template, error) {
	if len(text) > MaxTemplate {
		return nil, fault.Invalidf("template has %d bytes, at most %d are allowed", len(text), MaxTemplate)
	}
	tree, err := template.New("template").Option("missingkey=zero").Funcs(functions(nil)).Parse(text)
	if err != nil {
		return nil, fault.Invalidf("parse template: %s", plainError(err))
	}
	for _, t := range tree.Templates() {
		if t.Name() != "template" {
			return nil, fault.Invalidf("template must not define template %q", t.Name())
		}
	}
	if tree.Tree == nil {
		return &Template{tree}, nil
	}
	if err := instrument(tree.Root); err != nil {
		return nil, err
	}
	return &Template{tree}, nil
}

// Execute executes the template. data is a struct, a map, or decoded JSON; missing fields
// and keys are empty. A template that fails or exceeds MaxTime, MaxSteps or MaxText,
// also by an intermediate value, returns fault.ErrInvalid: it is stopped before it
// allocates a megabyte.
func (t *Template) Execute(data any) (string, error) { return t.execute(data, MaxTime, nil) }

// ExecuteEscaped is Execute with each printed value replaced by escape, which gets it as it
// would be printed: so a caller can tell the text of the template from that of its data.
// Missing values are printed as nothing, without escape. A nil escape changes nothing.
func (t *Template) ExecuteEscaped(data any, escape func(string) string) (string, error) {
	return t.execute(data, MaxTime, escape)
}

// ErrTimeout is the error of an execution that took too long, together with
// fault.ErrInvalid. It may pass on a process with less load.
var ErrTimeout = errors.New("execution exceeds its time")

// ExecuteWithin is Execute with another timeout than MaxTime.
func (t *Template) ExecuteWithin(data any, timeout time.Duration) (string, error) {
	return t.execute(data, timeout, nil)
}

func (t *Template) execute(data any, timeout time.Duration, escape func(string) string) (string, error) {
	if t.tree.Tree == nil {
		return "", nil
	}
	e := &execution{end: time.Now().Add(timeout), escape: escape}
	mine, err := t.tree.Clone()
	if err != nil {
		return "", fmt.Errorf("clone template: %w", err)
	}
	if err := mine.Funcs(functions(e)).Execute(e, data); err != nil {
		if missing, ok := errors.AsType[missingField](err); ok {
			return "", fault.Invalidf("%w", missing)
		}
		if errors.Is(err, ErrTimeout) {
			return "", fault.Invalidf("execute template: %w, %s", ErrTimeout, timeout)
		}
		return "", fault.Invalidf("execute template: %s", plainError(err))
	}
	return strings.ReplaceAll(e.text.String(), "<no value>", ""), nil
}

// maxErrorBytes is the number of bytes kept from each end of an error of text/template, which
// quotes the template.
const maxErrorBytes = 200

// plainError returns the text of an error of text/template without the template's name. A
// long text is truncated in the middle, because the reason is at the end.
func plainError(err error) string {
	text := strings.TrimPrefix(err.Error(), "template: template")
	if len(text) > 2*maxErrorBytes {
		text = text[:maxErrorBytes] + " … " + text[len(text)-maxErrorBytes:]
	}
	return strings.ToValidUTF8(text, "")
}
