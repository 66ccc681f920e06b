package main

import (
	"maps"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
)

// The names of the schemas of errors.
const (
	errorSchema       = "Error"
	legacyErrorSchema = "LegacyError"
)

// errorExamples holds the code and message of an example of each failure.
var errorExamples = map[int]struct {
	code    int
	message string
}{
	http.StatusBadRequest:            {3, "group_name: value is required"},
	http.StatusForbidden:             {7, "origin: pages of other sites may not call this server"},
	http.StatusNotFound:              {5, "group 999: not found"},
	http.StatusMethodNotAllowed:      {12, "the path has no method PATCH: use GET, HEAD, POST"},
	http.StatusRequestTimeout:        {4, "the body did not arrive in time"},
	http.StatusConflict:              {6, "idempotency_key: was used for another request"},
	http.StatusRequestEntityTooLarge: {8, "the body is larger than 1048576 bytes"},
	http.StatusUnsupportedMediaType:  {3, "Content-Type: send the body as application/json"},
	http.StatusInternalServerError:   {13, "internal error"},
	http.StatusServiceUnavailable:    {14, "a service that is needed cannot be reached, try again"},
}

// exampleError returns an example of the body of a failure.
func exampleError(status int, legacy bool) map[string]any {
	e := errorExamples[status]
	body := map[string]any{"code": e.code, "message": e.message, "details": []any{}}
	if legacy {
		body["errorCode"], body["errorMessage"] = status, e.message
	}
	return body
}

// newErrorSchemas returns the schemas of errors: that of every path, and that of the
// paths of the older service, with the names that it had.
func newErrorSchemas() openapi3.Schemas {
	described := func(s *openapi3.Schema, description string) *openapi3.SchemaRef {
		s.Description = description
		return openapi3.NewSchemaRef("", s)
	}
	detail := openapi3.NewObjectSchema().WithProperty("@type", openapi3.NewStringSchema()).WithAnyAdditionalProperties()
	properties := openapi3.Schemas{
		"code":    described(openapi3.NewInt32Schema().WithMin(1).WithMax(16), "The code of google.rpc.Code as a number, such as 3 for invalid_argument."),
		"message": described(openapi3.NewStringSchema(), "What is wrong, and what to do."),
		"details": described(openapi3.NewArraySchema().WithItems(detail), "More of it, such as buf.validate.Violations: each rule that was broken."),
	}
	plain := openapi3.NewObjectSchema()
	plain.Description = "An error, as google.rpc.Status has it."
	plain.Properties = properties
	plain.Required = []string{"code", "message", "details"}

	legacy := openapi3.NewObjectSchema()
	legacy.Description = "An error on the paths of the older service, with the names that it had."
	legacy.Properties = maps.Clone(properties)
	legacy.Properties["errorCode"] = described(openapi3.NewInt32Schema().WithMin(400).WithMax(599), "The HTTP status again.")
	legacy.Properties["errorMessage"] = described(openapi3.NewStringSchema(), "The message again.")
	legacy.Properties[ignoredField] = described(openapi3.NewArraySchema().WithItems(openapi3.NewStringSchema()), ignoredDescription)
	legacy.Required = append([]string{"errorCode", "errorMessage"}, plain.Required...)
	return openapi3.Schemas{
		errorSchema:       openapi3.NewSchemaRef("", plain),
		legacyErrorSchema: openapi3.NewSchemaRef("", legacy),
	}
}
