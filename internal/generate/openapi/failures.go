package main

import (
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/bongsu-project/bongsu/kit/policy"
)

// failures are the error statuses. Each is added to the operations that can return it.
var failures = []struct {
	status      int
	name        string
	when        func(operation) bool
	description string
}{
	{http.StatusBadRequest, "Invalid", always, "The request is invalid and must not be retried; the message names the field. Names that exist already are included."},
	{http.StatusUnauthorized, "Unauthorized", needsCaller, "The request has no credentials, or bad ones: unknown, expired or revoked."},
	{http.StatusForbidden, "Forbidden", always, "The caller has not the permission; the address of the client is banned; or the Host header is not allowed, or the request comes from a page of another origin."},
	{http.StatusNotFound, "NotFound", namesSomething, "The resource that the path or the body names does not exist; the message names it."},
	{http.StatusMethodNotAllowed, "MethodNotAllowed", always, "The path does not support the method; the header Allow lists those that it supports."},
	{http.StatusRequestTimeout, "Timeout", always, "The deadline of the request was exceeded, or its body was not received in time."},
	{http.StatusConflict, "Conflict", conflicts, "The idempotency key was used for another request."},
	{http.StatusRequestEntityTooLarge, "TooLarge", hasBody, "The body, compressed or decompressed, exceeds the limit of this path."},
	{http.StatusUnsupportedMediaType, "UnsupportedMediaType", hasBody, "The media type is not supported by this path, or the body has a content encoding other than gzip."},
	{http.StatusTooManyRequests, "TooManyRequests", always, "Too many requests from the address of the client, or to the service; retry after Retry-After."},
	{http.StatusInternalServerError, "Internal", always, "An internal error; the message reveals no details. On the paths of the older service, also failures behind the edge that are 503 elsewhere."},
	{http.StatusServiceUnavailable, "Unavailable", always, "The service is temporarily unavailable; retry after Retry-After."},
}

func always(operation) bool { return true }

func namesSomething(o operation) bool {
	return strings.Contains(o.path, "{") || isIntake(o) || o.OperationID == "AlertService_ReplayDeliveries"
}

// conflicts reports whether o is refused if its idempotency key was used for another request.
// SendAlerts refuses the alerts of such a request instead.
func conflicts(o operation) bool {
	return idempotencyKey(o.method) != nil && o.OperationID != "AlertService_SendAlerts"
}

func hasBody(o operation) bool { return o.RequestBody != nil }

// needsCaller reports whether o needs credentials.
func needsCaller(o operation) bool { return o.method.policy.Verifier == policy.NoVerifier }

// shapeFailures adds the error responses of o.
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

// newFailure returns an error response, a status as JSON.
func newFailure(doc *openapi3.T, status int, description string, legacy bool) *openapi3.Response {
	name := errorSchema
	if legacy {
		name = legacyErrorSchema
	}
	response := openapi3.NewResponse().WithDescription(description).
		WithJSONSchemaRef(openapi3.NewSchemaRef("#/components/schemas/"+name, doc.Components.Schemas[name].Value))
	response.Headers = openapi3.Headers{}
	switch status {
	case http.StatusUnauthorized:
		response.Headers["WWW-Authenticate"] = header("The scheme of the credentials, Bearer.", openapi3.NewStringSchema())
	case http.StatusTooManyRequests:
		response.Headers["RateLimit"] = header("What is left of the limit.", openapi3.NewStringSchema())
		response.Headers["RateLimit-Policy"] = header("The limit.", openapi3.NewStringSchema())
		response.Headers["Retry-After"] = header("Seconds to wait before a retry.", openapi3.NewInt64Schema().WithMin(0))
	case http.StatusServiceUnavailable:
		response.Headers["Retry-After"] = header("Seconds to wait before a retry.", openapi3.NewInt64Schema().WithMin(0))
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
