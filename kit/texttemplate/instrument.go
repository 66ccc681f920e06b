package texttemplate

import (
	"errors"
	"text/template/parse"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// instrument returns an error for unbounded constructs. It inserts the functions that limit
// an execution where text/template itself prints, tests or ranges over a value.
func instrument(node parse.Node) error {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := instrument(child); err != nil {
				return err
			}
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) > 0 {
			appendFunc(n.Pipe, passFunc)
		} else {
			appendFunc(n.Pipe, showFunc)
		}
	case *parse.RangeNode:
		appendFunc(n.Pipe, eachFunc)
		if err := errors.Join(instrument(n.List), instrument(n.ElseList)); err != nil {
			return err
		}
		n.List.Nodes = append([]parse.Node{newTickNode(n)}, n.List.Nodes...)
	case *parse.IfNode:
		appendFunc(n.Pipe, truthFunc)
		return errors.Join(instrument(n.List), instrument(n.ElseList))
	case *parse.WithNode:
		appendFunc(n.Pipe, truthFunc)
		return errors.Join(instrument(n.List), instrument(n.ElseList))
	case *parse.TemplateNode:
		return fault.Invalidf("template must not call templates")
	}
	return nil
}

// appendFunc appends a function call to a pipeline; its argument is the value of the pipeline.
func appendFunc(pipe *parse.PipeNode, function string) {
	pipe.Cmds = append(pipe.Cmds, newCommandNode(function, pipe.Pos))
}

// newTickNode returns the node of {{tick}}.
func newTickNode(in *parse.RangeNode) parse.Node {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: in.Pos, Line: in.Line, Cmds: []*parse.CommandNode{newCommandNode(tickFunc, in.Pos)}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: in.Pos, Line: in.Line, Pipe: pipe}
}

// newCommandNode returns the node of a function call.
func newCommandNode(function string, at parse.Pos) *parse.CommandNode {
	name := parse.NewIdentifier(function).SetPos(at)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{name}}
}
