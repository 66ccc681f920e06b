package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

//go:embed examples.yaml
var examples []byte

// addExamples adds the examples of examples.yaml to their operations.
func addExamples(doc *openapi3.T) error {
	var all map[string]struct{ Request, Response any }
	if err := yaml.Unmarshal(examples, &all); err != nil {
		return fmt.Errorf("read examples.yaml: %w", err)
	}
	for _, o := range operations(doc) {
		e, ok := all[o.OperationID]
		if !ok {
			continue
		}
		delete(all, o.OperationID)
		if e.Request != nil {
			o.RequestBody.Value.Content.Get("application/json").Example = e.Request
		}
		for status, response := range o.Responses.Map() {
			if e.Response != nil && strings.HasPrefix(status, "2") {
				response.Value.Content.Get("application/json").Example = e.Response
			}
		}
	}
	for id := range all {
		return fmt.Errorf("unknown operation %s in examples.yaml", id)
	}
	return nil
}
