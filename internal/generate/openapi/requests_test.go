package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestErrorsHaveOneShape sees every failure described with the schema of errors, and on
// the nine paths of the older service with its names.
func TestErrorsHaveOneShape(t *testing.T) {
	doc := generated(t)
	legacy := 0
	for _, o := range operations(doc) {
		want := schemas + errorSchema
		if o.isLegacy() {
			want = schemas + legacyErrorSchema
			legacy++
		}
		for status, response := range o.Responses.Map() {
			if status < "400" {
				continue
			}
			media := response.Value.Content.Get("application/json")
			if media == nil || media.Schema.Ref != want || media.Example == nil {
				t.Errorf("%s %s %s: %+v, want %s", o.verb, o.path, status, media, want)
			}
			if _, ok := response.Value.Headers["Retry-After"]; ok != (status == "503") {
				t.Errorf("%s %s %s: Retry-After is %t", o.verb, o.path, status, ok)
			}
		}
	}
	if legacy != 9 || len(legacyPaths) != 9 {
		t.Errorf("%d paths of the older service", legacy)
	}
	for name, fields := range map[string]string{errorSchema: "code details message", legacyErrorSchema: "code details errorCode errorMessage message"} {
		s := doc.Components.Schemas[name].Value
		required := slices.Sorted(slices.Values(s.Required))
		if strings.Join(required, " ") != fields || !s.Properties["code"].Value.Type.Is(openapi3.TypeInteger) {
			t.Errorf("%s: %v %v", name, required, s.Properties["code"].Value.Type)
		}
	}
	if doc.Components.Schemas[legacyErrorSchema].Value.Properties[ignoredField] == nil {
		t.Errorf("no %s", ignoredField)
	}
}

// TestUnknownFieldsOfRequests sees unknown fields refused, in messages within messages
// too, but for the nine paths of the older service.
func TestUnknownFieldsOfRequests(t *testing.T) {
	doc := generated(t)
	seen := 0
	for _, o := range operations(doc) {
		body := jsonBody(o.Operation)
		if body == nil || isIntake(o) {
			continue
		}
		refs := map[string]bool{}
		collect(body, refs)
		bodies := map[string]*openapi3.Schema{o.verb + " " + o.path: body.Value}
		for ref := range refs {
			if s := doc.Components.Schemas[ref[len(schemas):]].Value; s.Type.Is(openapi3.TypeObject) {
				bodies[ref] = s
			}
		}
		for name, s := range bodies {
			seen++
			if refused := s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has; refused == o.isLegacy() {
				t.Errorf("%s %s: unknown fields of %s refused: %t", o.verb, o.path, name, refused)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d schemas of requests", seen)
	}
}

// TestAnswersAreNotShapedAsRequests sees that what is true of requests only is said of
// no answer.
func TestAnswersAreNotShapedAsRequests(t *testing.T) {
	doc := generated(t)
	for _, o := range operations(doc) {
		for status, response := range o.Responses.Map() {
			media := response.Value.Content.Get("application/json")
			refs := map[string]bool{}
			collect(media.Schema, refs)
			for ref := range refs {
				if s := doc.Components.Schemas[ref[len(schemas):]].Value; strings.HasSuffix(ref, inputSuffix) || s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has {
					t.Errorf("%s %s answers %s with %s", o.verb, o.path, status, ref)
				}
			}
		}
	}
}

func TestIdempotencyKeyHeader(t *testing.T) {
	var with []string
	for _, o := range operations(generated(t)) {
		if p := o.Parameters.GetByInAndName(openapi3.ParameterInHeader, "Idempotency-Key"); p != nil {
			with = append(with, o.OperationID)
			if p.Required || p.Schema.Value.MaxLength == nil || *p.Schema.Value.MaxLength != 200 {
				t.Errorf("%+v", p.Schema.Value)
			}
		}
	}
	if !slices.Equal(with, []string{"AlertService_SendAlert"}) {
		t.Errorf("%q", with)
	}
}

// TestBodiesOfOtherSystems sees each source with the body that it sends.
func TestBodiesOfOtherSystems(t *testing.T) {
	doc := generated(t)
	for path, types := range map[string][]string{
		"/v1/intake/alertmanager":                 {"application/json"},
		"/v1/intake/grafana":                      {"application/json"},
		"/v1/intake/cloudevents":                  {"application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "text/plain"},
		"/v1/intake/{source}":                     {"application/json"},
		"/v1/callbacks/{messenger}/{delivery_id}": {"application/x-www-form-urlencoded"},
	} {
		op := doc.Paths.Value(path).GetOperation(http.MethodPost)
		if op == nil {
			t.Errorf("%s is missing", path)
			continue
		}
		for _, mediaType := range types {
			if op.RequestBody.Value.Content[mediaType] == nil {
				t.Errorf("%s takes no %s", path, mediaType)
			}
		}
		if len(op.RequestBody.Value.Content) != len(types) {
			t.Errorf("%s takes %d types", path, len(op.RequestBody.Value.Content))
		}
	}
	if doc.Components.Schemas["google.api.HttpBody"] != nil {
		t.Error("google.api.HttpBody is no body that anybody sends")
	}
}

func TestVersions(t *testing.T) {
	if doc := generated(t); doc.Info.Version != version || !strings.HasPrefix(version, "1.") {
		t.Errorf("version %q", doc.Info.Version)
	}
}
