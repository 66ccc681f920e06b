package main

import (
	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// applyBounds applies the rules of message to the properties of s.
func applyBounds(s *openapi3.Schema, message protoreflect.MessageDescriptor) {
	s.Required = nil
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		property, ok := s.Properties[field.JSONName()]
		if !ok {
			continue // a path parameter
		}
		if applyFieldBounds(property, field) {
			s.Required = append(s.Required, field.JSONName())
		}
	}
}

// applyFieldBounds applies the rules of field to s, and reports whether the empty value is
// invalid. Rules that JSON Schema cannot express are skipped; the service enforces
// them.
func applyFieldBounds(s *openapi3.SchemaRef, field protoreflect.FieldDescriptor) (required bool) {
	if options, ok := field.Options().(*descriptorpb.FieldOptions); ok && options.GetDebugRedact() {
		s.Value.WriteOnly = true
	}
	rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	if rules == nil || s.Ref != "" {
		return rules.GetRequired()
	}
	if text := rules.GetString(); text != nil {
		s.Value.MinLength = text.GetMinLen()
		s.Value.MaxLength = text.MaxLen
		s.Value.Pattern = text.GetPattern()
		if len(text.GetNotIn()) > 0 {
			s.Value.Not = openapi3.NewSchemaRef("", openapi3.NewSchema().WithEnum(toAny(text.GetNotIn())...))
		}
	}
	if number := rules.GetInt32(); number != nil {
		if number.HasGte() {
			s.Value.WithMin(float64(number.GetGte()))
		}
		if number.HasLte() {
			s.Value.WithMax(float64(number.GetLte()))
		}
	}
	if number := rules.GetInt64(); number.HasGt() || number.HasGte() {
		s.Value.Pattern = "^[0-9]{1,18}$" // int64 is a string in JSON
		if number.HasGt() {
			s.Value.Pattern = "^[1-9][0-9]{0,17}$"
		}
	}
	if list := rules.GetRepeated(); list != nil {
		if field.Name() == "target" { // @user, @@group, @all
			s.Value.Items.Value.Pattern = "^@."
		}
		s.Value.MinItems = list.GetMinItems()
		s.Value.MaxItems = list.MaxItems
	}
	return rules.GetRequired() || s.Value.MinLength > 0 || s.Value.MinItems > 0
}

// fieldOf returns the field of a parameter, by its name in the path or in JSON, or nil.
func fieldOf(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := message.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return message.Fields().ByJSONName(name)
}

func toAny(words []string) []any {
	all := make([]any, len(words))
	for i, word := range words {
		all[i] = word
	}
	return all
}
