package main

import "go.yaml.in/yaml/v3"

const (
	// maxCopies bounds what aliases stand for in all: each may stand for many others.
	maxCopies = 1_000_000
	// maxAliasDepth bounds how deep an alias may stand within what another stands for,
	// which ends those that stand for themselves.
	maxAliasDepth = 20
	// mergeKey merges the fields of other mappings into one.
	mergeKey = "<<"
)

// value gives a node to read, or what it is an alias of, as if that stood here.
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
	if r.copies <= maxCopies+1 { // told once
		r.copies = maxCopies + 1
		r.addf(n.Line, "aliases stand for more than %d values, or for themselves", maxCopies)
	}
}

// fields gives each value of a mapping to who knows its key, those of the mapping itself
// before those that it merges. Of a key that is seen already, a merged value counts for
// nothing.
func (r *yamlReader) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node), seen map[string]bool, merged bool) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Value == mergeKey {
			continue
		}
		read, ok := known[key.Value]
		switch {
		case !ok:
			r.addf(key.Line, "%s has no field %q", what, short(key.Value))
		case !seen[key.Value]:
			r.value(n.Content[i+1], read)
		case !merged:
			r.addf(key.Line, "%s stands here twice", key.Value)
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

// merge gives the values of a mapping, or of each of a list of mappings, to who knows
// their keys.
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
					r.addf(from.Line, "%s merges mappings only", mergeKey)
				}
			})
		}
	default:
		r.addf(from.Line, "%s merges mappings only", mergeKey)
	}
}
