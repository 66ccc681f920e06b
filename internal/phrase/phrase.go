// Package phrase makes text from Go templates that users wrote. A template cannot
// harm: it is checked when it is read, it can reach nothing but the data it is given,
// and it is stopped when it takes too long or says too much.
package phrase

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
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
// that are missing are empty. A template that fails, takes longer than MaxTime or says
// more than MaxText is fault.ErrInvalid.
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

// A run is one making of text, within its bounds.
type run struct {
	text strings.Builder
	end  time.Time
}

var (
	errLong = fmt.Errorf("it takes longer than %s", MaxTime)
	errMuch = fmt.Errorf("it says more than %d bytes", MaxText)
)

// Write takes a piece of the text.
func (r *run) Write(piece []byte) (int, error) {
	if r.text.Len()+len(piece) > MaxText {
		return 0, errMuch
	}
	if _, err := r.tick(); err != nil {
		return 0, err
	}
	return r.text.Write(piece)
}

// tick says whether there is time left, and nothing else.
func (r *run) tick() (string, error) {
	if time.Now().After(r.end) {
		return "", errLong
	}
	return "", nil
}

// guard refuses what could run without end, and makes every round of a range look at
// the time.
func guard(node parse.Node) error {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := guard(child); err != nil {
				return err
			}
		}
	case *parse.RangeNode:
		n.List.Nodes = append([]parse.Node{tickNode(n)}, n.List.Nodes...)
		return errors.Join(guard(n.List), guard(n.ElseList))
	case *parse.IfNode:
		addTruth(n.Pipe)
		return errors.Join(guard(n.List), guard(n.ElseList))
	case *parse.WithNode:
		addTruth(n.Pipe)
		return errors.Join(guard(n.List), guard(n.ElseList))
	case *parse.TemplateNode:
		return fmt.Errorf("the template must not call templates: say all in one: %w", fault.ErrInvalid)
	}
	return nil
}

// tickNode is {{tick}}.
func tickNode(in *parse.RangeNode) parse.Node {
	name := parse.NewIdentifier(tick).SetPos(in.Pos)
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: in.Pos, Args: []parse.Node{name}}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: in.Pos, Line: in.Line, Cmds: []*parse.CommandNode{command}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: in.Pos, Line: in.Line, Pipe: pipe}
}

// plain is what text/template says without its own name in front.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "template: template") }
