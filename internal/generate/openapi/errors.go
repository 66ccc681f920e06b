package main

import (
	"maps"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
)

// The names of the error schemas.
const (
	errorSchema       = "Error"
	legacyErrorSchema = "LegacyError"
)

// errorExamples holds the code and the message of an example for each error status.
var errorExamples = map[int]struct {
	code    int
	message string
}{
	http.StatusBadRequest:            {3, "group_name: value is required"},
	http.StatusUnauthorized:          {16, "credentials are required: send an API key or a token as Authorization: Bearer"},
	http.StatusForbidden:             {7, "not allowed: permission group.write is needed, which callers with role operator or admin have"},
	http.StatusNotFound:              {5, "group 999 not found"},
	http.StatusMethodNotAllowed:      {12, "the path has no method PATCH: use GET, HEAD, POST"},
	http.StatusRequestTimeout:        {4, "the body did not arrive in time"},
	http.StatusConflict:              {6, "idempotency_key: was used for another request"},
	http.StatusRequestEntityTooLarge: {8, "the body is larger than 1048576 bytes"},
	http.StatusUnsupportedMediaType:  {3, "Content-Type: send the body as application/json"},
	http.StatusTooManyRequests:       {8, "too many requests from this address: wait 1s"},
	http.StatusInternalServerError:   {13, "internal error"},
	http.StatusServiceUnavailable:    {14, "a service that is needed cannot be reached, try again"},
}

// exampleError returns an example of an error body.
func exampleError(status int, legacy bool) map[string]any {
	e := errorExamples[status]
	body := map[string]any{"code": e.code, "message": e.message, "details": []any{}}
	if legacy {
		body["errorCode"], body["errorMessage"] = status, e.message
	}
	return body
}

// newErrorSchemas returns the error schemas: that of every path, and that of the paths
// of the older service, with its field names.
func newErrorSchemas() openapi3.Schemas {
	described := func(s *openapi3.Schema, description string) *openapi3.SchemaRef {
		s.Description = description
		return openapi3.NewSchemaRef("", s)
	}
	detail := openapi3.NewObjectSchema().WithProperty("@type", openapi3.NewStringSchema()).WithAnyAdditionalProperties()
	properties := openapi3.Schemas{
		"code":    described(openapi3.NewInt32Schema().WithMin(1).WithMax(16), "The number of google.rpc.Code, such as 3 for invalid_argument."),
		"message": described(openapi3.NewStringSchema(), "The cause of the error, and the remedy."),
		"details": described(openapi3.NewArraySchema().WithItems(detail), "Details: google.rpc.ErrorInfo with a constant reason, always; google.rpc.BadRequest and buf.validate.Violations with each invalid field; google.rpc.ResourceInfo; google.rpc.RetryInfo."),
	}
	plain := openapi3.NewObjectSchema()
	plain.Description = "An error in the form of google.rpc.Status."
	plain.Properties = properties
	plain.Required = []string{"code", "message", "details"}

	legacy := openapi3.NewObjectSchema()
	legacy.Description = "An error on the paths of the older service, with its field names."
	legacy.Properties = maps.Clone(properties)
	legacy.Properties["errorCode"] = described(openapi3.NewInt32Schema().WithMin(400).WithMax(599), "The HTTP status, repeated.")
	legacy.Properties["errorMessage"] = described(openapi3.NewStringSchema(), "The message, repeated.")
	legacy.Properties[ignoredField] = described(openapi3.NewArraySchema().WithItems(openapi3.NewStringSchema()), ignoredDescription)
	legacy.Required = append([]string{"errorCode", "errorMessage"}, plain.Required...)
	return openapi3.Schemas{
		errorSchema:       openapi3.NewSchemaRef("", plain),
		legacyErrorSchema: openapi3.NewSchemaRef("", legacy),
	}
}
