package main

import (
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const description = `Bongsu is a failure notification service: one call says what broke and whom to
tell, and it tells them by the messengers they use, and keeps the record of what
became of every message.

These are the REST paths. The same methods answer Connect, gRPC and gRPC-Web at
/package.Service/Method on the same port.`

// created holds the operations that answer 201 where they succeed; all others
// answer 200.
var created = map[string]bool{
	"GroupService_CreateGroup":   true,
	"GroupService_AddGroupUser":  true,
	"UserService_CreateUser":     true,
	"UserService_AddUserAddress": true,
}

// failures are the answers of a call that did not succeed.
var failures = []struct {
	status, name string
	when         func(path string, op *openapi3.Operation) bool
	description  string
}{
	{"400", "Invalid", always, "The request can never be done; the message names the field. A name that is taken is among these."},
	{"404", "NotFound", namesSomething, "What the path or the body names is not there; the message says what."},
	{"409", "Conflict", sendsAlerts, "The idempotency key was used for another request."},
	{"413", "TooLarge", hasBody, "The body is larger than the edge takes."},
	{"415", "NotJSON", hasBody, "The body does not come as application/json."},
	{"500", "Internal", always, "It failed inside, or cannot be done now; the message says nothing internal."},
}

func always(string, *openapi3.Operation) bool { return true }

func namesSomething(path string, _ *openapi3.Operation) bool { return strings.Contains(path, "{") }

func sendsAlerts(path string, op *openapi3.Operation) bool {
	return path == "/v1/alerts" && hasBody(path, op)
}

func hasBody(_ string, op *openapi3.Operation) bool { return op.RequestBody != nil }

// shape makes doc the document of Bongsu's REST face.
func shape(doc *openapi3.T, all map[string]method) error {
	doc.Info = &openapi3.Info{
		Title:       "Bongsu",
		Version:     "v1",
		Description: description,
		License:     &openapi3.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"},
	}
	doc.Servers = openapi3.Servers{{URL: "/", Description: "The edge that serves this document"}}
	doc.Components.Responses = openapi3.ResponseBodies{}
	for _, f := range failures {
		doc.Components.Responses[f.name] = failure(doc, f.description)
	}
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			m, ok := all[op.OperationID]
			if !ok {
				return fmt.Errorf("%s: import the package of %s in methods.go", path, op.OperationID)
			}
			shapeOperation(doc, op, path, m)
		}
	}
	shapeComponents(doc)
	return nil
}

func shapeOperation(doc *openapi3.T, op *openapi3.Operation, path string, m method) {
	success := op.Responses.Value("200")
	op.Responses.Delete("default")
	if created[op.OperationID] {
		op.Responses.Delete("200")
		op.Responses.Set("201", success)
	}
	for _, f := range failures {
		if f.when(path, op) {
			op.Responses.Set(f.status, &openapi3.ResponseRef{
				Ref:   "#/components/responses/" + f.name,
				Value: doc.Components.Responses[f.name].Value,
			})
		}
	}
	for _, p := range op.Parameters {
		if field := fieldOf(m.Input(), p.Value.Name); field != nil {
			bound(p.Value.Schema, field)
		}
	}
	if body := op.RequestBody; body != nil {
		if s := body.Value.Content.Get("application/json").Schema; s.Ref == "" {
			boundAll(s.Value, m.Input())
		}
	}
}

// shapeComponents bounds the schemas of messages, and says of the messages that
// answers are made of which fields are always there: all but the messages among
// them, for empty values are printed.
func shapeComponents(doc *openapi3.T) {
	asked := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				collect(op.RequestBody.Value.Content.Get("application/json").Schema, asked)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		message, ok := found.(protoreflect.MessageDescriptor)
		if err != nil || !ok {
			continue // an enum, or what the plugin brings along
		}
		boundAll(s.Value, message)
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

// collect adds the references in s, and in what it refers to, to refs.
func collect(s *openapi3.SchemaRef, refs map[string]bool) {
	if s == nil || s.Ref != "" && refs[s.Ref] {
		return
	}
	if s.Ref != "" {
		refs[s.Ref] = true
	}
	collect(s.Value.Items, refs)
	for _, p := range s.Value.Properties {
		collect(p, refs)
	}
}

// failure describes the answer of a call that did not succeed: a status as JSON.
func failure(doc *openapi3.T, text string) *openapi3.ResponseRef {
	answer := openapi3.NewResponse().WithDescription(text)
	const name = "google.rpc.Status"
	return &openapi3.ResponseRef{Value: answer.WithJSONSchemaRef(
		openapi3.NewSchemaRef("#/components/schemas/"+name, doc.Components.Schemas[name].Value))}
}
