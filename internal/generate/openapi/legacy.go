package main

import "github.com/getkin/kin-openapi/openapi3"

const (
	ignoredField       = "ignoredField"
	ignoredDescription = "Unknown fields and query parameters of the request, which were ignored; omitted if there are none."
)

// legacyPaths are the paths of the older service. Its callers send unknown fields, and
// read its names in errors.
var legacyPaths = map[string]bool{
	"GET /v1/groups":                           true,
	"GET /v1/groups/{id}":                      true,
	"POST /v1/groups":                          true,
	"PUT /v1/groups/{id}":                      true,
	"DELETE /v1/groups/{id}":                   true,
	"GET /v1/groups/{id}/users":                true,
	"POST /v1/groups/{id}/users":               true,
	"DELETE /v1/groups/{id}/users/{nick_name}": true,
	"POST /v1/alerts":                          true,
}

// nameIgnored adds ignoredField to an object response of a legacy path.
func nameIgnored(response *openapi3.Response) {
	media := response.Content.Get("application/json")
	if media == nil || media.Schema.Value.Type.Is(openapi3.TypeArray) {
		return
	}
	names := openapi3.NewArraySchema().WithItems(openapi3.NewStringSchema())
	names.Description = ignoredDescription
	more := openapi3.NewObjectSchema().WithProperty(ignoredField, names)
	media.Schema = openapi3.NewSchemaRef("", &openapi3.Schema{AllOf: openapi3.SchemaRefs{
		media.Schema, openapi3.NewSchemaRef("", more),
	}})
}

// refuseIDs declares that a group is created without an id: other unknown fields are
// ignored there, but an id is an error.
func refuseIDs(o operation) {
	if o.OperationID == "GroupService_CreateGroup" {
		id := openapi3.NewObjectSchema()
		id.Required = []string{"id"}
		jsonBody(o.Operation).Value.Not = openapi3.NewSchemaRef("", id)
	}
}
