package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestErrorsHaveOneShape checks that every error response uses the error schema, with
// the older service's fields on its nine paths.
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
			if _, ok := response.Value.Headers["Retry-After"]; ok != (status == "503" || status == "429") {
				t.Errorf("%s %s %s: Retry-After is %t", o.verb, o.path, status, ok)
			}
		}
	}
	if legacy != 9 || len(legacyPaths) != 9 {
		t.Errorf("%d legacy paths", legacy)
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

// TestUnknownFieldsOfRequests checks that unknown fields are refused, also in nested
// messages, except on the nine paths of the older service.
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

// TestResponseSchemasAreUnchanged checks that response schemas have none of the
// changes to request schemas.
func TestResponseSchemasAreUnchanged(t *testing.T) {
	doc := generated(t)
	for _, o := range operations(doc) {
		for status, response := range o.Responses.Map() {
			media := response.Value.Content.Get("application/json")
			if events := o.method.IsStreamingServer() && status == "200"; events != (response.Value.Content.Get("text/event-stream") != nil) {
				t.Errorf("%s %s returns %s with %v", o.verb, o.path, status, response.Value.Content)
			} else if events {
				continue
			}
			refs := map[string]bool{}
			collect(media.Schema, refs)
			for ref := range refs {
				if s := doc.Components.Schemas[ref[len(schemas):]].Value; strings.HasSuffix(ref, inputSuffix) || s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has {
					t.Errorf("%s %s returns %s with %s", o.verb, o.path, status, ref)
				}
			}
		}
	}
}

func TestIdempotencyKeyHeader(t *testing.T) {
	with := map[string]uint64{}
	for _, o := range operations(generated(t)) {
		if p := o.Parameters.GetByInAndName(openapi3.ParameterInHeader, "Idempotency-Key"); p != nil {
			if p.Required || p.Schema.Value.MaxLength == nil {
				t.Fatalf("%+v", p.Schema.Value)
			}
			with[o.OperationID] = *p.Schema.Value.MaxLength
		}
	}
	if !maps.Equal(with, map[string]uint64{"AlertService_SendAlert": 200, "AlertService_SendAlerts": 190}) {
		t.Errorf("%v", with)
	}
}

// TestSendAlertsBody checks the bodies of POST /v1/alerts:batch: each alert is as in POST
// /v1/alerts, except that unknown fields are refused, and its details too.
func TestSendAlertsBody(t *testing.T) {
	doc := generated(t)
	op := doc.Paths.Value("/v1/alerts:batch").Post
	body := jsonBody(op)
	for _, c := range []struct {
		body string
		fits bool
	}{
		{`{"alerts":[{"target":["@user1"],"message":"m"}]}`, true},
		{`{"alerts":[{"target":["@user1"],"message":"m","by":["inbox"],"details":[{"name":"a","value":"b"}]}],"idempotencyKey":"k"}`, true},
		{`{"alerts":[{"target":["@user1"],"message":"m","by":null}],"idempotencyKey":null}`, true},
		{`{"alerts":[]}`, false},
		{`{}`, false},
		{`{"alerts":[{"target":["@user1"],"message":"m"}],"x":1}`, false},
		{`{"alerts":[{"target":["@user1"],"message":"m","x":1}]}`, false},
		{`{"alerts":[{"target":["@user1"],"message":"m","details":[{"name":"a","x":1}]}]}`, false},
	} {
		var value any
		if err := json.Unmarshal([]byte(c.body), &value); err != nil {
			t.Fatal(err)
		}
		if err := doc.ValidateSchemaJSON(body.Value, value); (err == nil) != c.fits {
			t.Errorf("%s fits: %t, want %t: %v", c.body, err == nil, c.fits, err)
		}
	}
	if op.Responses.Value("409") != nil || op.Responses.Value("200") == nil {
		t.Errorf("responses: %v", op.Responses.Map())
	}
	legacy := jsonBody(doc.Paths.Value("/v1/alerts").Post).Value.Properties["details"].Value.Items
	if err := doc.ValidateSchemaJSON(legacy.Value, map[string]any{"name": "a", "x": 1.0}); err != nil {
		t.Errorf("POST /v1/alerts refuses unknown fields of details: %v", err)
	}
}

// TestBodiesOfOtherSystems checks the request body of each intake source.
func TestBodiesOfOtherSystems(t *testing.T) {
	doc := generated(t)
	for path, types := range map[string][]string{
		"/v1/intake/alertmanager":                 {"application/json"},
		"/v1/intake/grafana":                      {"application/json"},
		"/v1/intake/cloudevents":                  {"application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "text/plain"},
		"/v1/intake/{source}":                     {"application/json"},
		"/v1/events":                              {"application/json", "application/cloudevents+json", "application/cloudevents-batch+json"},
		"/v1/callbacks/{messenger}/{delivery_id}": {"application/x-www-form-urlencoded"},
		"/v1/heartbeats/{name}":                   {"text/plain", "application/octet-stream"},
		"/v1/heartbeats/{name}:start":             {"text/plain", "application/octet-stream"},
		"/v1/heartbeats/{name}:fail":              {"text/plain", "application/octet-stream"},
	} {
		op := doc.Paths.Value(path).GetOperation(http.MethodPost)
		if op == nil {
			t.Errorf("%s is missing", path)
			continue
		}
		for _, mediaType := range types {
			if op.RequestBody.Value.Content[mediaType] == nil {
				t.Errorf("%s does not accept %s", path, mediaType)
			}
		}
		if len(op.RequestBody.Value.Content) != len(types) {
			t.Errorf("%s accepts %d types", path, len(op.RequestBody.Value.Content))
		}
	}
	if doc.Components.Schemas["google.api.HttpBody"] != nil {
		t.Error("google.api.HttpBody is in the document")
	}
}

func TestVersions(t *testing.T) {
	if doc := generated(t); doc.Info.Version != version || !strings.HasPrefix(version, "1.") {
		t.Errorf("version %q", doc.Info.Version)
	}
}
