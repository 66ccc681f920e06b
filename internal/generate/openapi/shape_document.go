package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const description = `Bongsu is a failure notification service: one call sends an alert to users
and groups through the messengers that they use, and every delivery is recorded with
the evidence of its outcome.

These are the REST paths. The same methods are served over Connect, gRPC and gRPC-Web at
/package.Service/Method on the same port.`

// created holds the operations that return 201 on success; all others return 200.
var created = map[string]bool{
	"AccessService_CreateKey":                        true,
	"CallbackEndpointService_CreateCallbackEndpoint": true,
	"GroupService_CreateGroup":                       true,
	"GroupService_AddGroupUser":                      true,
	"UserService_CreateUser":                         true,
	"UserService_AddUserAddress":                     true,
}

// version is the version of the API. Its major version is that of the Protobuf
// packages.
const version = "1.0.0"

// shape turns the merged document into that of Bongsu's REST API.
func shape(doc *openapi3.T) error {
	doc.Info = &openapi3.Info{
		Title:       "Bongsu",
		Version:     version,
		Description: description,
		License:     &openapi3.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"},
	}
	doc.Servers = openapi3.Servers{{URL: "/", Description: "The edge that serves this document"}}
	for _, o := range operations(doc) {
		if o.method.MethodDescriptor == nil {
			return fmt.Errorf("%s: import the package of %s in methods.go", o.path, o.OperationID)
		}
		shapeOperation(o)
	}
	shapeComponents(doc)
	shapeRequests(doc)
	if err := addWebhooks(doc); err != nil {
		return err
	}
	delete(doc.Components.Schemas, "google.rpc.Status")
	maps.Copy(doc.Components.Schemas, newErrorSchemas())
	doc.Components.SecuritySchemes = newSecuritySchemes()
	doc.Components.Responses = openapi3.ResponseBodies{}
	for _, o := range operations(doc) {
		shapeSecurity(o)
		shapeFailures(doc, o)
	}
	return addExamples(doc)
}

// shapeOperation sets the success status and the request limits of o.
func shapeOperation(o operation) {
	success := o.Responses.Value("200")
	o.Responses.Delete("default")
	if created[o.OperationID] {
		o.Responses.Delete("200")
		o.Responses.Set("201", success)
	}
	if o.isLegacy() {
		nameIgnored(success.Value)
	}
	for _, p := range o.Parameters {
		if field := fieldOf(o.method.Input(), p.Value.Name); field != nil {
			applyFieldBounds(p.Value.Schema, field)
		}
	}
	addIdempotencyKey(o)
	shapeEvents(o)
	refuseIDs(o)
	if body := jsonBody(o.Operation); body != nil && body.Ref == "" {
		applyBounds(body.Value, o.method.Input())
		o.RequestBody.Value.Required = len(body.Value.Required) > 0
	}
}

// shapeComponents sets the limits of message schemas, and the required fields of
// response messages: all but fields with presence, because empty values are printed.
func shapeComponents(doc *openapi3.T) {
	asked := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if body := jsonBody(op); body != nil {
				collect(body, asked)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		message, ok := found.(protoreflect.MessageDescriptor)
		if err != nil || !ok {
			continue // an enum, or a schema of the plugin
		}
		applyBounds(s.Value, message)
		if !asked["#/components/schemas/"+name] {
			s.Value.Required = nil
			for i := range message.Fields().Len() {
				if f := message.Fields().Get(i); !f.HasPresence() {
					s.Value.Required = append(s.Value.Required, f.JSONName())
				}
			}
		}
	}
}

// collect adds the references in s to refs, recursively.
func collect(s *openapi3.SchemaRef, refs map[string]bool) {
	if s == nil || s.Ref != "" && refs[s.Ref] {
		return
	}
	if s.Ref != "" {
		refs[s.Ref] = true
	}
	collect(s.Value.Items, refs)
	for _, p := range slices.Concat(s.Value.AllOf, s.Value.AnyOf) {
		collect(p, refs)
	}
	for _, p := range s.Value.Properties {
		collect(p, refs)
	}
}
