package rpc

import (
	"errors"
	"fmt"
	"slices"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
)

// maxViolations is the maximum number of violations that an error lists.
const maxViolations = 20

// A validator checks the rules of the schema, and limits the violations in an error. Their
// total number is limited before, by the codecs.
type validator struct{ protovalidate.Validator }

// Validate returns a protovalidate.ValidationError with at most maxViolations, and the
// number of further ones.
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
