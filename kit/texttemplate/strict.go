package texttemplate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// ErrMissing is the error of a strict template if its data lacks a field, together with
// fault.ErrInvalid.
var ErrMissing = errors.New("missing or empty")

// needFunc is the function that strict templates call on every field.
const needFunc = "need"

// ParseStrict is Parse for templates that must not use missing fields: if a field that
// is printed or passed to a function is missing or empty, Execute returns ErrMissing with
// the name of the field. So does index, with its arguments, if what it finds is. Fields in the
// conditions of if, with and range, and those with a default, may be missing.
func ParseStrict(text string) (*Template, error) {
	p, err := Parse(text)
	if err == nil && p.tree.Tree != nil {
		requireFields(p.tree.Root)
	}
	return p, err
}

// requireField returns the value of a required field, or an error.
func requireField(name string, value any) (any, error) {
	if text, ok := value.(string); value == nil || ok && strings.TrimSpace(text) == "" {
		return nil, missingField(name)
	}
	return value, nil
}

// A missingField is the error for a missing field.
type missingField string

func (m missingField) Error() string        { return fmt.Sprintf("%s is %v", string(m), ErrMissing) }
func (m missingField) Is(target error) bool { return target == ErrMissing }

// requireFields inserts calls of need on every field into the actions below a node.
func requireFields(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			requireFields(child)
		}
	case *parse.RangeNode:
		requireFields(n.List)
		requireFields(n.ElseList)
	case *parse.IfNode:
		requireFields(n.List)
		requireFields(n.ElseList)
	case *parse.WithNode:
		requireFields(n.List)
		requireFields(n.ElseList)
	case *parse.ActionNode:
		requirePipe(n.Pipe)
	}
}

// requirePipe inserts calls of need on every field into a pipeline without default.
func requirePipe(pipe *parse.PipeNode) {
	for _, command := range pipe.Cmds {
		if name, ok := command.Args[0].(*parse.IdentifierNode); ok && name.Ident == "default" {
			return
		}
	}
	for at, command := range slices.Backward(pipe.Cmds) { // so that an insertion moves none that follows
		if name, ok := command.Args[0].(*parse.IdentifierNode); ok && name.Ident == "index" {
			requireIndex(pipe, at, command.String())
		}
		for i, arg := range command.Args {
			switch n := arg.(type) {
			case *parse.FieldNode:
				command.Args[i] = requirePath(pipe, n)
			case *parse.ChainNode:
				command.Args[i] = requireFieldNode(pipe, n.String(), n)
			case *parse.VariableNode:
				if len(n.Ident) > 1 {
					command.Args[i] = requireFieldNode(pipe, n.String(), n)
				}
			case *parse.PipeNode:
				requirePipe(n)
			}
		}
	}
}

// requireIndex inserts need after a call of index, which is a command of a pipeline.
func requireIndex(in *parse.PipeNode, at int, text string) {
	in.Cmds = slices.Insert(in.Cmds, at+1, newNeedNode(in, text))
}

// requirePath returns the node of a field path such as .build.id, with need on each
// step.
func requirePath(in *parse.PipeNode, field *parse.FieldNode) parse.Node {
	step := &parse.FieldNode{NodeType: parse.NodeField, Pos: field.Pos, Ident: field.Ident[:1]}
	made := requireFieldNode(in, step.String(), step)
	for i := 1; i < len(field.Ident); i++ {
		name := "." + strings.Join(field.Ident[:i+1], ".")
		made = requireFieldNode(in, name, &parse.ChainNode{NodeType: parse.NodeChain, Pos: field.Pos, Node: made, Field: field.Ident[i : i+1]})
	}
	return made
}

// requireFieldNode returns the node of ({{need "name" field}}).
func requireFieldNode(in *parse.PipeNode, name string, field parse.Node) parse.Node {
	command := newNeedNode(in, name)
	command.Args = append(command.Args, field)
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: in.Pos, Line: in.Line, Cmds: []*parse.CommandNode{command}}
}

// newNeedNode returns the node of need "name", whose value follows.
func newNeedNode(in *parse.PipeNode, name string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: in.Pos, Args: []parse.Node{
		parse.NewIdentifier(needFunc).SetPos(in.Pos),
		&parse.StringNode{NodeType: parse.NodeString, Pos: in.Pos, Quoted: strconv.Quote(name), Text: name},
	}}
}
