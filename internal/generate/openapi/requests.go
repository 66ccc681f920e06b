package main

import (
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// inputSuffix is the suffix of the request variant of a schema. strictSuffix is that of the
// variant for the other paths where those of the older service have one too.
const (
	inputSuffix  = ".Input"
	strictSuffix = ".Strict" + inputSuffix
)

// shapeRequests adapts the request schemas: optional fields may be null, and unknown
// fields are errors, except on the paths of the older service. A schema that responses or
// requests of both kinds share is split.
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
	ofLegacy := variants(doc, legacy, responses, func(string) string { return inputSuffix })
	ofStrict := variants(doc, strict, union(responses, legacy), func(ref string) string {
		if responses[ref] && legacy[ref] {
			return strictSuffix
		}
		return inputSuffix
	})
	for _, variant := range ofLegacy {
		shapeRequest(variant.Value, true)
		replaceRefs(variant, ofLegacy)
	}
	for _, variant := range ofStrict {
		shapeRequest(variant.Value, false)
		replaceRefs(variant, ofStrict)
	}
	for _, o := range operations(doc) {
		body := jsonBody(o.Operation)
		if body == nil {
			continue
		}
		split := ofStrict
		if o.isLegacy() {
			split = ofLegacy
		}
		if other, ok := split[body.Ref]; ok {
			*body = *other
			continue
		}
		body.Value = cloneInline(body).Value
		if body.Value.Type.Is(openapi3.TypeObject) {
			shapeRequest(body.Value, o.isLegacy())
		}
		replaceRefs(body, split)
	}
}

// union returns the keys of a and b.
func union(a, b map[string]bool) map[string]bool {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// variants returns the request variant of each object schema of refs, by reference: the
// schema itself or, if it is shared, a copy whose name ends with a suffix.
func variants(doc *openapi3.T, refs, shared map[string]bool, suffix func(ref string) string) map[string]*openapi3.SchemaRef {
	all := map[string]*openapi3.SchemaRef{}
	for ref := range refs {
		s := doc.Components.Schemas[ref[len(schemas):]]
		if !s.Value.Type.Is(openapi3.TypeObject) {
			continue
		}
		name := ref
		if shared[ref] {
			s = cloneInline(s)
			name += suffix(ref)
			doc.Components.Schemas[name[len(schemas):]] = s
		}
		all[ref] = openapi3.NewSchemaRef(name, s.Value)
	}
	return all
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

// cloneInline returns a copy of s and of the schemas that stand in it. References are kept.
func cloneInline(s *openapi3.SchemaRef) *openapi3.SchemaRef {
	clone := *s.Value
	clone.Required = slices.Clone(clone.Required)
	clone.Properties = nil
	if s.Value.Properties != nil {
		clone.Properties = openapi3.Schemas{}
	}
	part := func(p *openapi3.SchemaRef) *openapi3.SchemaRef {
		if p == nil || p.Ref != "" {
			return p
		}
		return cloneInline(p)
	}
	for name, p := range s.Value.Properties {
		clone.Properties[name] = part(p)
	}
	clone.AnyOf = nil
	for _, p := range s.Value.AnyOf {
		clone.AnyOf = append(clone.AnyOf, part(p))
	}
	clone.Items = part(s.Value.Items)
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
