package phrase

import (
	"errors"
	"fmt"
	"text/template/parse"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// guard returns an error for unbounded constructs. It inserts the functions that limit
// an execution where text/template itself prints, tests or ranges over a value.
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
		return fmt.Errorf("template must not call templates: %w", fault.ErrInvalid)
	}
	return nil
}

// end appends a function call to a pipeline; its argument is the value of the pipeline.
func end(pipe *parse.PipeNode, function string) {
	pipe.Cmds = append(pipe.Cmds, command(function, pipe.Pos))
}

// tickNode returns the node of {{tick}}.
func tickNode(in *parse.RangeNode) parse.Node {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: in.Pos, Line: in.Line, Cmds: []*parse.CommandNode{command(tick, in.Pos)}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: in.Pos, Line: in.Line, Pipe: pipe}
}

// command returns the node of a function call.
func command(function string, at parse.Pos) *parse.CommandNode {
	name := parse.NewIdentifier(function).SetPos(at)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{name}}
}
