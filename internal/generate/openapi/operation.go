package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// An operation is a method of a path in the document, with its RPC.
type operation struct {
	*openapi3.Operation
	verb, path string
	method     method
}

// operations returns the operations of a document, sorted by path and verb.
func operations(doc *openapi3.T) []operation {
	all := methods()
	var found []operation
	for path, item := range doc.Paths.Map() {
		for verb, op := range item.Operations() {
			id := strings.Split(op.OperationID, "_")
			found = append(found, operation{op, verb, path, all[strings.Join(id[:min(len(id), 2)], "_")]})
		}
	}
	slices.SortFunc(found, func(a, b operation) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.verb, b.verb))
	})
	return found
}

// isLegacy reports whether o is on a path of the older service.
func (o operation) isLegacy() bool { return legacyPaths[o.verb+" "+o.path] }

// isIntake reports whether o receives alerts of an intake source.
func isIntake(o operation) bool { return strings.HasPrefix(o.path, "/v1/intake/") }

// idempotencyKey returns the request field that the header Idempotency-Key sets, or
// nil.
func idempotencyKey(m method) protoreflect.FieldDescriptor {
	return m.Input().Fields().ByName("idempotency_key")
}

// addIdempotencyKey adds the header Idempotency-Key to o if its request has the field.
func addIdempotencyKey(o operation) {
	field := idempotencyKey(o.method)
	if field == nil {
		return
	}
	schema := openapi3.NewSchemaRef("", openapi3.NewStringSchema())
	applyFieldBounds(schema, field)
	o.Parameters = append(o.Parameters, &openapi3.ParameterRef{Value: &openapi3.Parameter{
		Name:        "Idempotency-Key",
		In:          openapi3.ParameterInHeader,
		Description: "The same as idempotencyKey of the body: a repeated request with the same key records no second alert. If both are set they must be equal.",
		Schema:      schema,
	}})
}

func setResponse(o operation, status int, response *openapi3.ResponseRef) {
	o.Responses.Set(strconv.Itoa(status), response)
}
