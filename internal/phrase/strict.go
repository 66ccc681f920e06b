package phrase

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template/parse"
)

// ErrMissing is the error of a strict template if its data lacks a field, together with
// fault.ErrInvalid.
var ErrMissing = errors.New("missing or empty")

// need is the function that strict templates call on every field.
const need = "need"

// ParseStrict is Parse for templates that must not use missing fields: if a field that
// is printed or passed to a function is missing or empty, Say returns ErrMissing with
// the name of the field. Fields in the conditions of if, with and range, and those with
// a default, may be missing.
func ParseStrict(text string) (*Phrase, error) {
	p, err := Parse(text)
	if err == nil && p.tree.Tree != nil {
		demand(p.tree.Root)
	}
	return p, err
}

// needed returns the value of a required field, or an error.
func needed(name string, value any) (any, error) {
	if text, ok := value.(string); value == nil || ok && strings.TrimSpace(text) == "" {
		return nil, missingField(name)
	}
	return value, nil
}

// A missingField is the error for a missing field.
type missingField string

func (m missingField) Error() string        { return fmt.Sprintf("%s is %v", string(m), ErrMissing) }
func (m missingField) Is(target error) bool { return target == ErrMissing }

// demand inserts calls of need on every field into the actions below a node.
func demand(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			demand(child)
		}
	case *parse.RangeNode:
		demand(n.List)
		demand(n.ElseList)
	case *parse.IfNode:
		demand(n.List)
		demand(n.ElseList)
	case *parse.WithNode:
		demand(n.List)
		demand(n.ElseList)
	case *parse.ActionNode:
		demandPipe(n.Pipe)
	}
}

// demandPipe inserts calls of need on every field into a pipeline without default.
func demandPipe(pipe *parse.PipeNode) {
	for _, command := range pipe.Cmds {
		if name, ok := command.Args[0].(*parse.IdentifierNode); ok && name.Ident == "default" {
			return
		}
	}
	for _, command := range pipe.Cmds {
		for i, arg := range command.Args {
			switch n := arg.(type) {
			case *parse.FieldNode:
				command.Args[i] = demandPath(pipe, n)
			case *parse.ChainNode:
				command.Args[i] = demandField(pipe, n.String(), n)
			case *parse.VariableNode:
				if len(n.Ident) > 1 {
					command.Args[i] = demandField(pipe, n.String(), n)
				}
			case *parse.PipeNode:
				demandPipe(n)
			}
		}
	}
}

// demandPath returns the node of a field path such as .build.id, with need on each
// step.
func demandPath(in *parse.PipeNode, field *parse.FieldNode) parse.Node {
	step := &parse.FieldNode{NodeType: parse.NodeField, Pos: field.Pos, Ident: field.Ident[:1]}
	made := demandField(in, step.String(), step)
	for i := 1; i < len(field.Ident); i++ {
		name := "." + strings.Join(field.Ident[:i+1], ".")
		made = demandField(in, name, &parse.ChainNode{NodeType: parse.NodeChain, Pos: field.Pos, Node: made, Field: field.Ident[i : i+1]})
	}
	return made
}

// demandField returns the node of ({{need "name" field}}).
func demandField(in *parse.PipeNode, name string, field parse.Node) parse.Node {
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: in.Pos, Args: []parse.Node{
		parse.NewIdentifier(need).SetPos(in.Pos),
		&parse.StringNode{NodeType: parse.NodeString, Pos: in.Pos, Quoted: strconv.Quote(name), Text: name},
		field,
	}}
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: in.Pos, Line: in.Line, Cmds: []*parse.CommandNode{command}}
}
