package main

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// inputSuffix is the suffix of the request variant of a schema.
const inputSuffix = ".Input"

// shapeRequests adapts the request schemas: optional fields may be null, and unknown
// fields are errors, except on the paths of the older service. A schema that requests
// and responses share is split in two.
func shapeRequests(doc *openapi3.T) {
	legacy, strict := map[string]bool{}, map[string]bool{}
	responses := map[string]bool{}
	for _, o := range operations(doc) {
		if body := jsonBody(o.Operation); body != nil {
			if o.isLegacy() {
				collect(body, legacy)
			} else {
				collect(body, strict)
			}
		}
		for _, response := range o.Responses.Map() {
			if media := response.Value.Content.Get("application/json"); media != nil {
				collect(media.Schema, responses)
			}
		}
	}
	names := map[string]bool{}
	for ref := range legacy {
		names[ref] = true
	}
	for ref := range strict {
		names[ref] = true
	}
	split := map[string]*openapi3.SchemaRef{}
	for ref := range names {
		name := ref[len(schemas):]
		s := doc.Components.Schemas[name]
		if !s.Value.Type.Is(openapi3.TypeObject) {
			continue
		}
		if responses[ref] {
			s = openapi3.NewSchemaRef("", cloneObject(s.Value))
			name += inputSuffix
			doc.Components.Schemas[name] = s
			split[ref] = openapi3.NewSchemaRef(schemas+name, s.Value)
		}
		shapeRequest(s.Value, legacy[ref])
	}
	for _, o := range operations(doc) {
		if body := jsonBody(o.Operation); body != nil && body.Ref == "" && body.Value.Type.Is(openapi3.TypeObject) {
			shapeRequest(body.Value, o.isLegacy())
		}
	}
	for ref := range names {
		if other, ok := split[ref]; ok {
			replaceRefs(other, split)
		} else {
			replaceRefs(doc.Components.Schemas[ref[len(schemas):]], split)
		}
	}
	for _, o := range operations(doc) {
		if body := jsonBody(o.Operation); body != nil {
			if other, ok := split[body.Ref]; ok {
				*body = *other
			} else {
				replaceRefs(body, split)
			}
		}
	}
}

// schemas is the prefix of references to schemas.
const schemas = "#/components/schemas/"

// jsonBody returns the schema of a JSON request body, or nil.
func jsonBody(op *openapi3.Operation) *openapi3.SchemaRef {
	if op.RequestBody == nil {
		return nil
	}
	media := op.RequestBody.Value.Content.Get("application/json")
	if media == nil {
		return nil
	}
	return media.Schema
}

// shapeRequest adapts the schema of a request message.
func shapeRequest(s *openapi3.Schema, legacy bool) {
	if !legacy {
		no := false
		s.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
	}
	for name, p := range s.Properties {
		if !slices.Contains(s.Required, name) {
			s.Properties[name] = orNull(p)
		}
	}
}

// orNull returns s extended by null, which means the same as a missing field.
func orNull(s *openapi3.SchemaRef) *openapi3.SchemaRef {
	null := openapi3.NewSchemaRef("", &openapi3.Schema{Type: &openapi3.Types{"null"}})
	if s.Ref != "" {
		either := openapi3.SchemaRefs{openapi3.NewSchemaRef(s.Ref, s.Value), null}
		if len(s.Value.Enum) > 0 { // JSON also accepts enum numbers
			either = append(either, openapi3.NewSchemaRef("", openapi3.NewInt32Schema()))
		}
		return openapi3.NewSchemaRef("", &openapi3.Schema{Description: s.Value.Description, AnyOf: either})
	}
	clone := *s.Value
	types := append(slices.Clone(clone.Type.Slice()), "null")
	clone.Type = (*openapi3.Types)(&types)
	return openapi3.NewSchemaRef("", &clone)
}

func cloneObject(s *openapi3.Schema) *openapi3.Schema {
	clone := *s
	clone.Properties = openapi3.Schemas{}
	for name, p := range s.Properties {
		clone.Properties[name] = cloneInline(p)
	}
	clone.Required = slices.Clone(s.Required)
	return &clone
}

// cloneInline returns a clone of a schema that is written in place, such as that of a list: its
// references can be replaced without a change of the original. A reference is returned as it is.
func cloneInline(p *openapi3.SchemaRef) *openapi3.SchemaRef {
	if p.Ref != "" || p.Value == nil {
		return p
	}
	clone := *p.Value
	if clone.Properties != nil {
		clone.Properties = cloneObject(&clone).Properties
	}
	clone.AnyOf = slices.Clone(clone.AnyOf)
	for i, either := range clone.AnyOf {
		clone.AnyOf[i] = cloneInline(either)
	}
	if clone.Items != nil {
		clone.Items = cloneInline(clone.Items)
	}
	return openapi3.NewSchemaRef("", &clone)
}

// replaceRefs replaces the references in s to split schemas by their request variants.
func replaceRefs(s *openapi3.SchemaRef, split map[string]*openapi3.SchemaRef) {
	replaced := func(p *openapi3.SchemaRef) *openapi3.SchemaRef {
		if other, ok := split[p.Ref]; ok {
			return other
		}
		if p.Ref == "" {
			replaceRefs(p, split)
		}
		return p
	}
	for name, p := range s.Value.Properties {
		s.Value.Properties[name] = replaced(p)
	}
	for i, p := range s.Value.AnyOf {
		s.Value.AnyOf[i] = replaced(p)
	}
	if s.Value.Items != nil {
		s.Value.Items = replaced(s.Value.Items)
	}
}
