package rpc

import (
	"errors"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxViolationBytes limits the violations of an error in both of their forms together.
const maxViolationBytes = 3 << 10

var violationsName = nameOf(&validate.Violations{})

// A violation is an invalid field of a request in both forms of error details.
type violation struct {
	path   string // as in protovalidate; empty for the whole message
	google *errdetails.BadRequest_FieldViolation
	buf    *validate.Violation
}

// size returns the bytes of both forms.
func (v *violation) size() int { return proto.Size(v.google) + proto.Size(v.buf) }

// violationsOf returns the violations of the rules of the schema, or the fields of faults,
// that err wraps.
func violationsOf(err *connect.Error) (all []*violation) {
	if err.Code() != connect.CodeInvalidArgument {
		return nil
	}
	if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
		for _, v := range invalid.Violations {
			if v.Proto.GetRuleId() != "" || v.Proto.GetField() != nil { // not the note of limitViolations
				all = append(all, ruleViolation(v.Proto))
			}
		}
		return all
	}
	fields := fault.Fields(err)
	for _, f := range fields[:min(len(fields), maxViolations)] {
		all = append(all, newViolation(f, ""))
	}
	return all
}

// ruleViolation returns the violation of a rule of the schema.
func ruleViolation(v *validate.Violation) *violation {
	path := protovalidate.FieldPathString(v.GetField())
	if len(path) > maxQuoteBytes || len(v.GetMessage()) > maxQuoteBytes { // a key or a text of the caller
		return newViolation(fault.Field{Path: path, Problem: v.GetMessage()}, v.GetRuleId())
	}
	return &violation{path, &errdetails.BadRequest_FieldViolation{
		Field: path, Description: v.GetMessage(), Reason: upperSnake(v.GetRuleId()),
	}, v}
}

// newViolation returns the violation of a field. Its texts are truncated.
func newViolation(f fault.Field, rule string) *violation {
	path, problem := truncate(validText(f.Path), maxQuoteBytes), truncate(validText(f.Problem), maxQuoteBytes)
	v := validate.Violation_builder{Message: &problem}.Build()
	if rule = truncate(rule, maxQuoteBytes); rule != "" {
		v.SetRuleId(rule)
	}
	if elements := fieldPath(path); len(elements) > 0 {
		v.SetField(validate.FieldPath_builder{Elements: elements}.Build())
	}
	return &violation{path, &errdetails.BadRequest_FieldViolation{Field: path, Description: problem, Reason: upperSnake(rule)}, v}
}

// boundedViolations returns both forms of as many violations as fit into maxViolationBytes.
// Those of the schema lose the path of their rule if not all fit with it: its id remains.
func boundedViolations(all []*violation) (*errdetails.BadRequest, *validate.Violations) {
	size := 0
	for _, v := range all {
		size += v.size()
	}
	google, buf, left := &errdetails.BadRequest{}, &validate.Violations{}, maxViolationBytes
	for _, v := range all {
		if size > maxViolationBytes && v.buf.HasRule() {
			short := proto.CloneOf(v.buf)
			short.ClearRule()
			v = &violation{v.path, v.google, short}
		}
		if left -= v.size(); left < 0 {
			break
		}
		google.FieldViolations = append(google.FieldViolations, v.google)
		buf.SetViolations(append(buf.GetViolations(), v.buf))
	}
	return google, buf
}

// validText returns text as valid UTF-8, which fields of messages must be.
func validText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
