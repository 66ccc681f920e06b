package main

import (
	"github.com/getkin/kin-openapi/openapi3"
)

// shapeEvents describes the response of a method that streams: Server-Sent Events. It adds the
// header with which a client resumes.
func shapeEvents(o operation) {
	if o.method.MethodDescriptor == nil || !o.method.IsStreamingServer() {
		return
	}
	if response := o.Responses.Value("200"); response != nil && response.Value != nil {
		schema := openapi3.NewStringSchema()
		schema.Description = "Server-Sent Events, each with JSON as its data."
		response.Value.Content = openapi3.Content{"text/event-stream": &openapi3.MediaType{Schema: openapi3.NewSchemaRef("", schema)}}
	}
	field := o.method.Input().Fields().ByName("after_id")
	if field == nil {
		return
	}
	schema := openapi3.NewSchemaRef("", openapi3.NewStringSchema())
	applyFieldBounds(schema, field)
	o.Parameters = append(o.Parameters, &openapi3.ParameterRef{Value: &openapi3.Parameter{
		Name:        "Last-Event-ID",
		In:          openapi3.ParameterInHeader,
		Description: "The id of the last event that the client has, which a browser sends when it connects again. It replaces afterId.",
		Schema:      schema,
	}})
}
