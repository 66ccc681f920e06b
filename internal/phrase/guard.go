package phrase

import (
	"errors"
	"fmt"
	"text/template/parse"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// guard refuses what could run without end, and puts the functions that bound an
// execution where text/template itself would print, test or go through a value.
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
	case *parse.ActionNode:
		if len(n.Pipe.Decl) > 0 {
			end(n.Pipe, pass)
		} else {
			end(n.Pipe, show)
		}
	case *parse.RangeNode:
		end(n.Pipe, each)
		if err := errors.Join(guard(n.List), guard(n.ElseList)); err != nil {
			return err
		}
		n.List.Nodes = append([]parse.Node{tickNode(n)}, n.List.Nodes...)
	case *parse.IfNode:
		end(n.Pipe, truth)
		return errors.Join(guard(n.List), guard(n.ElseList))
	case *parse.WithNode:
		end(n.Pipe, truth)
		return errors.Join(guard(n.List), guard(n.ElseList))
	case *parse.TemplateNode:
		return fmt.Errorf("the template must not call templates: say all in one: %w", fault.ErrInvalid)
	}
	return nil
}

// end lets a pipeline end with a function, which is given its value.
func end(pipe *parse.PipeNode, function string) {
	pipe.Cmds = append(pipe.Cmds, command(function, pipe.Pos))
}

// tickNode is {{tick}}.
func tickNode(in *parse.RangeNode) parse.Node {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: in.Pos, Line: in.Line, Cmds: []*parse.CommandNode{command(tick, in.Pos)}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: in.Pos, Line: in.Line, Pipe: pipe}
}

// command is a call of a function.
func command(function string, at parse.Pos) *parse.CommandNode {
	name := parse.NewIdentifier(function).SetPos(at)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{name}}
}
