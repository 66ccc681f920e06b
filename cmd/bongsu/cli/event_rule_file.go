package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
)

// readRuleFile parses a file of rules in YAML or JSON: one rule, or several under rules. Unknown
// fields are errors.
func readRuleFile(text []byte) ([]*eventv1.EventRule, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var file map[string]any
	if err := decoder.Decode(&file); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty")
		}
		return nil, fmt.Errorf("invalid YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds more than one YAML document")
	}
	entries := []any{file}
	if list, ok := file["rules"]; ok {
		if len(file) > 1 {
			return nil, errors.New("the file has fields beside rules")
		}
		if entries, ok = list.([]any); !ok {
			return nil, errors.New("rules must be a list")
		}
	}
	rules := make([]*eventv1.EventRule, len(entries))
	for i, entry := range entries {
		data, err := json.Marshal(entry)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		rules[i] = &eventv1.EventRule{}
		if err := protojson.Unmarshal(data, rules[i]); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		if rules[i].GetName() == "" {
			return nil, fmt.Errorf("rule %d has no name", i+1)
		}
	}
	return rules, nil
}

// ruleFile returns a rule as YAML, in the form that readRuleFile parses.
func ruleFile(rule *eventv1.EventRule) ([]byte, error) {
	data, err := protojson.Marshal(rule)
	if err != nil {
		return nil, err
	}
	var node yaml.Node // keeps the order of the fields
	if err := yaml.Unmarshal(data, &node); err != nil {
		return nil, err
	}
	blockStyle(&node)
	return yaml.Marshal(&node)
}

// blockStyle gives all nodes the style of YAML in place of that of JSON.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		blockStyle(child)
	}
}

// readSample parses a sample event: JSON with the fields of an event, and data as JSON.
func readSample(text []byte) (*eventv1.Event, error) {
	var sample struct {
		ID      string          `json:"id"`
		Source  string          `json:"source"`
		Type    string          `json:"type"`
		Subject string          `json:"subject"`
		Data    json.RawMessage `json:"data"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&sample); err != nil {
		return nil, fmt.Errorf("invalid sample: %w", err)
	}
	return &eventv1.Event{Id: sample.ID, Source: sample.Source, Type: sample.Type, Subject: sample.Subject, Data: string(sample.Data)}, nil
}
