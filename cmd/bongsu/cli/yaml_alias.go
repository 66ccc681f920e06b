package cli

import "go.yaml.in/yaml/v3"

const (
	// maxCopies bounds the number of values that aliases expand to: each may expand to
	// many.
	maxCopies = 1_000_000
	// maxAliasDepth bounds the nesting of aliases, which ends recursive ones.
	maxAliasDepth = 20
	// mergeKey is the key that merges the fields of other mappings.
	mergeKey = "<<"
)

// value calls read with a node, or with the node that an alias refers to.
func (r *yamlReader) value(n *yaml.Node, read func(*yaml.Node)) {
	if n.Kind == yaml.AliasNode {
		r.depth++
		defer func() { r.depth-- }()
		line := n.Line
		at := *n.Alias
		at.Line = line
		n = &at
	}
	if r.depth > 0 {
		r.copies++
	}
	if r.copies <= maxCopies && r.depth <= maxAliasDepth {
		read(n)
		return
	}
	if r.copies <= maxCopies+1 { // report it once
		r.copies = maxCopies + 1
		r.addf(n.Line, "aliases expand to more than %d values, or are recursive", maxCopies)
	}
}

// fields calls the function of each key with its value: first the keys of the mapping
// itself, then those of merged mappings. Merged values of a key that was seen are
// ignored.
func (r *yamlReader) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node), seen map[string]bool, merged bool) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Value == mergeKey {
			continue
		}
		read, ok := known[key.Value]
		switch {
		case !ok:
			r.addf(key.Line, "%s has no field %q", what, firstLine(key.Value))
		case !seen[key.Value]:
			r.value(n.Content[i+1], read)
		case !merged:
			r.addf(key.Line, "duplicate field %s", key.Value)
		}
		seen[key.Value] = true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != mergeKey {
			continue
		}
		r.value(n.Content[i+1], func(from *yaml.Node) { r.merge(from, what, known, seen) })
	}
}

// merge calls the functions of the keys of a mapping, or of each mapping of a list.
func (r *yamlReader) merge(from *yaml.Node, what string, known map[string]func(*yaml.Node), seen map[string]bool) {
	switch from.Kind {
	case yaml.MappingNode:
		r.fields(from, what, known, seen, true)
	case yaml.SequenceNode:
		for _, one := range from.Content {
			r.value(one, func(from *yaml.Node) {
				if from.Kind == yaml.MappingNode {
					r.fields(from, what, known, seen, true)
				} else {
					r.addf(from.Line, "%s accepts mappings only", mergeKey)
				}
			})
		}
	default:
		r.addf(from.Line, "%s accepts mappings only", mergeKey)
	}
}
