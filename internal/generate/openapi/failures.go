package main

import (
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// failures are the statuses of a call that did not succeed. Each stands at every
// operation that can be answered with it.
var failures = []struct {
	status      int
	name        string
	when        func(operation) bool
	description string
}{
	{http.StatusBadRequest, "Invalid", always, "The request can never succeed; the message names the field. A name that is taken is among these."},
	{http.StatusForbidden, "Forbidden", always, "The Host is not served here, or the request comes from a page of another site."},
	{http.StatusNotFound, "NotFound", namesSomething, "What the path or the body names does not exist; the message says what."},
	{http.StatusMethodNotAllowed, "MethodNotAllowed", always, "The path has no such method; the header Allow names those that it has."},
	{http.StatusRequestTimeout, "Timeout", mayTimeOut, "The deadline of the request has passed, or its body did not arrive in time."},
	{http.StatusConflict, "Conflict", takesIdempotencyKey, "The idempotency key was used for another request."},
	{http.StatusRequestEntityTooLarge, "TooLarge", hasBody, "The body is larger than this path takes, as it is or decompressed."},
	{http.StatusUnsupportedMediaType, "UnsupportedMediaType", hasBody, "The body does not come as a media type of this path, or is compressed otherwise than by gzip."},
	{http.StatusInternalServerError, "Internal", always, "It failed inside; the message says nothing internal. On the paths of the older service, also what is 503 elsewhere."},
	{http.StatusServiceUnavailable, "Unavailable", isNotLegacy, "It cannot be done now; try again after Retry-After."},
}

func always(operation) bool { return true }

func namesSomething(o operation) bool {
	return strings.Contains(o.path, "{") || isIntake(o) || o.OperationID == "AlertService_ReplayDeliveries"
}

func takesIdempotencyKey(o operation) bool { return idempotencyKey(o.method) != nil }

func hasBody(o operation) bool { return o.RequestBody != nil }

func isNotLegacy(o operation) bool { return !o.isLegacy() }

// mayTimeOut reports whether o answers 408. The older service had no deadlines.
func mayTimeOut(o operation) bool { return hasBody(o) || !o.isLegacy() }

// shapeFailures describes the failures of o.
func shapeFailures(doc *openapi3.T, o operation) {
	for _, f := range failures {
		if !f.when(o) {
			continue
		}
		name := f.name
		if o.isLegacy() {
			name = "Legacy" + name
		}
		response, ok := doc.Components.Responses[name]
		if !ok {
			response = &openapi3.ResponseRef{Value: newFailure(doc, f.status, f.description, o.isLegacy())}
			doc.Components.Responses[name] = response
		}
		setResponse(o, f.status, &openapi3.ResponseRef{Ref: "#/components/responses/" + name, Value: response.Value})
	}
}

// newFailure returns the answer of a call that did not succeed: a status as JSON.
func newFailure(doc *openapi3.T, status int, description string, legacy bool) *openapi3.Response {
	name := errorSchema
	if legacy {
		name = legacyErrorSchema
	}
	response := openapi3.NewResponse().WithDescription(description).
		WithJSONSchemaRef(openapi3.NewSchemaRef("#/components/schemas/"+name, doc.Components.Schemas[name].Value))
	response.Headers = openapi3.Headers{}
	switch status {
	case http.StatusServiceUnavailable:
		response.Headers["Retry-After"] = header("After how many seconds to try again.", openapi3.NewInt64Schema().WithMin(0))
	case http.StatusMethodNotAllowed:
		response.Headers["Allow"] = header("The methods of the path.", openapi3.NewStringSchema())
	}
	response.Content.Get("application/json").Example = exampleError(status, legacy)
	return response
}

func header(description string, schema *openapi3.Schema) *openapi3.HeaderRef {
	return &openapi3.HeaderRef{Value: &openapi3.Header{Parameter: openapi3.Parameter{
		Description: description, Schema: openapi3.NewSchemaRef("", schema),
	}}}
}
