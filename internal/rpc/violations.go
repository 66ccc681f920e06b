package rpc

import (
	"errors"
	"fmt"
	"slices"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
)

// maxViolations is how many violations of a request are named.
const maxViolations = 20

// A validator checks the rules of the schema and names a bounded number of violations.
// How many there can be is bounded before, by the codecs.
type validator struct{ protovalidate.Validator }

// Validate returns a protovalidate.ValidationError of at most maxViolations, and a note
// where there are more.
func (v validator) Validate(message proto.Message, options ...protovalidate.ValidationOption) error {
	err := v.Validator.Validate(message, options...)
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok || len(invalid.Violations) <= maxViolations {
		return err
	}
	note := fmt.Sprintf("and %d more", len(invalid.Violations)-maxViolations)
	named := slices.Concat(invalid.Violations[:maxViolations], []*protovalidate.Violation{
		{Proto: validate.Violation_builder{Message: &note}.Build()},
	})
	return &protovalidate.ValidationError{Violations: named}
}
