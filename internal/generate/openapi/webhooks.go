package main

import (
	_ "embed"
	"fmt"
	"maps"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed webhooks.yaml
var webhooks []byte

// addWebhooks replaces google.api.HttpBody with the request bodies of the intake
// sources, on the path of each source.
func addWebhooks(doc *openapi3.T) error {
	theirs, err := openapi3.NewLoader().LoadFromData(webhooks)
	if err != nil {
		return fmt.Errorf("read webhooks.yaml: %w", err)
	}
	receive := doc.Paths.Value("/v1/intake/{source}")
	if receive == nil {
		return fmt.Errorf("no path of the intake")
	}
	for path, item := range theirs.Paths.Map() {
		generated := doc.Paths.Value(path)
		if generated == nil { // of a named source
			op := *receive.Post
			op.OperationID, op.Parameters, op.Responses = item.Post.OperationID, nil, openapi3.NewResponses()
			for status, response := range receive.Post.Responses.Map() {
				op.Responses.Set(status, response)
			}
			generated = &openapi3.PathItem{Post: &op}
			doc.Paths.Set(path, generated)
		}
		if item.Post.Summary != "" {
			generated.Post.Summary = item.Post.Summary
		}
		generated.Post.Parameters = append(generated.Post.Parameters, item.Post.Parameters...)
		generated.Post.RequestBody = item.Post.RequestBody
	}
	maps.Copy(doc.Components.Schemas, theirs.Components.Schemas)
	delete(doc.Components.Schemas, "google.api.HttpBody")
	return nil
}
