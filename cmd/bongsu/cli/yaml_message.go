package cli

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// messageNode returns a message as YAML: fields that are set, in their order, by the names that
// they have in Protobuf. Durations and enums are texts, as parseFieldText parses them.
func messageNode(m protoreflect.Message) *yaml.Node {
	node := mapping()
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		if !m.Has(field) {
			continue
		}
		value := m.Get(field)
		if !field.IsList() {
			put(node, string(field.Name()), fieldNode(field, value))
			continue
		}
		items := list()
		for j := range value.List().Len() {
			items.Content = append(items.Content, fieldNode(field, value.List().Get(j)))
		}
		put(node, string(field.Name()), items)
	}
	return node
}

// fieldNode returns one value of a field as YAML.
func fieldNode(field protoreflect.FieldDescriptor, value protoreflect.Value) *yaml.Node {
	if !isText(field) {
		return messageNode(value.Message())
	}
	node := text(formatFieldText(field, value))
	switch field.Kind() {
	case protoreflect.BoolKind:
		node.Tag = "!!bool"
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		node.Tag = "!!int"
	case protoreflect.DoubleKind:
		if node.Tag = "!!float"; !strings.Contains(node.Value, ".") {
			node.Tag = "!!int"
		}
	}
	return node
}

// message parses the fields of a message, by the names that they have in Protobuf or in JSON. what
// names the message in problems, such as "a monitor".
func (r *yamlReader) message(n *yaml.Node, what string, m protoreflect.Message) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" { // a key without a value
		return
	}
	known, set := map[string]func(*yaml.Node){}, map[protoreflect.Name]bool{}
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		read := func(n *yaml.Node) {
			if set[field.Name()] {
				r.addf(n.Line, "duplicate field %s", field.Name())
				return
			}
			set[field.Name()] = true
			r.messageField(n, what, m, field)
		}
		known[string(field.Name())], known[field.JSONName()] = read, read
	}
	r.mapping(n, what, known)
}

// messageField parses a field of a message.
func (r *yamlReader) messageField(n *yaml.Node, what string, m protoreflect.Message, field protoreflect.FieldDescriptor) {
	name := string(field.Name())
	if one := field.ContainingOneof(); one != nil && m.WhichOneof(one) != nil {
		r.addf(n.Line, "%s has one %s only: %s or %s", what, one.Name(), m.WhichOneof(one).Name(), name)
		return
	}
	if !field.IsList() {
		if v, ok := r.fieldValue(n, name, m.NewField(field), field); ok {
			m.Set(field, v)
		}
		return
	}
	items := m.Mutable(field).List()
	r.list(n, name, func(n *yaml.Node) {
		item := protoreflect.Value{}
		if !isText(field) {
			item = items.NewElement()
		}
		if v, ok := r.fieldValue(n, name, item, field); ok {
			items.Append(v)
		}
	})
}

// fieldValue parses one value of a field; empty is the value of a message that has fields. A key
// without a value is not set.
func (r *yamlReader) fieldValue(n *yaml.Node, name string, empty protoreflect.Value, field protoreflect.FieldDescriptor) (protoreflect.Value, bool) {
	if !isText(field) {
		r.message(n, name, empty.Message())
		return empty, true
	}
	written := r.text(n, name)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" && n.Style == 0 {
		return protoreflect.Value{}, false
	}
	v, err := parseFieldText(field, written)
	if err != nil {
		r.addf(n.Line, "%s: %v", name, err)
	}
	return v, err == nil
}
