// Package phrase makes text from Go templates that users wrote. A template cannot
// harm: it is checked when it is read, it can reach nothing but the data it is given,
// and it is stopped when it takes too long or says too much.
package phrase

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
)

const (
	// MaxTemplate is how many bytes a template may have.
	MaxTemplate = 16 << 10
	// MaxText is how many bytes of text may come of it, and how many any value on the
	// way may have.
	MaxText = 64 << 10
	// MaxTime is how long that may take.
	MaxTime = 100 * time.Millisecond
)

// A Phrase is a template that was checked. It is safe for concurrent use.
type Phrase struct{ tree *template.Template }

// Parse checks a template: text/template without define, block and template, which
// could call themselves, and with its functions but for call. What is wrong with it
// is fault.ErrInvalid, and says where.
func Parse(text string) (*Phrase, error) {
	if len(text) > MaxTemplate {
		return nil, fmt.Errorf("the template has %d bytes: at most %d: %w", len(text), MaxTemplate, fault.ErrInvalid)
	}
	tree, err := template.New("template").Option("missingkey=zero").Funcs(functions(nil)).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the template cannot be read: %s: %w", plain(err), fault.ErrInvalid)
	}
	for _, t := range tree.Templates() {
		if t.Name() != "template" {
			return nil, fmt.Errorf("the template must not define %q: say all in one: %w", t.Name(), fault.ErrInvalid)
		}
	}
	if tree.Tree == nil {
		return &Phrase{tree}, nil
	}
	if err := guard(tree.Root); err != nil {
		return nil, err
	}
	return &Phrase{tree}, nil
}

// Say makes the text. data is a struct, a map, or what JSON makes; fields and keys
// that are missing are empty. A template that fails, takes longer than MaxTime or MaxSteps,
// or says more than MaxText, of any value on the way too, is fault.ErrInvalid: it is stopped
// before it has taken a megabyte.
func (p *Phrase) Say(data any) (string, error) {
	if p.tree.Tree == nil {
		return "", nil
	}
	run := &run{end: time.Now().Add(MaxTime)}
	mine, err := p.tree.Clone()
	if err != nil {
		return "", fmt.Errorf("copy a template: %w", err)
	}
	if err := mine.Funcs(functions(run)).Execute(run, data); err != nil {
		if missing, ok := errors.AsType[missingField](err); ok {
			return "", fmt.Errorf("%w: %w", missing, fault.ErrInvalid)
		}
		return "", fmt.Errorf("the template fails: %s: %w", plain(err), fault.ErrInvalid)
	}
	return strings.ReplaceAll(run.text.String(), "<no value>", ""), nil
}

// maxWhy is how many bytes of text/template's errors are of use: it quotes the template.
const maxWhy = 200

// plain is what text/template says without its own name in front, and of a long text its
// begin and its end, where it says what is wrong.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), "template: template")
	if len(text) > 2*maxWhy {
		text = text[:maxWhy] + " … " + text[len(text)-maxWhy:]
	}
	return strings.ToValidUTF8(text, "")
}
