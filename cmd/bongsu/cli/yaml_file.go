package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// writeYAML writes the directory as YAML, one entry at a time: one document would take
// a hundred times its size in memory.
func writeYAML(w io.Writer, s importFile) error {
	return errors.Join(writeEntries(w, "users", s.users, userNode), writeEntries(w, "groups", s.groups, groupNode))
}

// writeEntries writes a list under a key.
func writeEntries[T any](w io.Writer, key string, entries []T, node func(T) *yaml.Node) error {
	if len(entries) == 0 {
		_, err := fmt.Fprintf(w, "%s: []\n", key)
		return err
	}
	if _, err := fmt.Fprintf(w, "%s:\n", key); err != nil {
		return err
	}
	for _, entry := range entries {
		one := list()
		one.Content = []*yaml.Node{node(entry)}
		var out bytes.Buffer
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		if err := errors.Join(encoder.Encode(one), encoder.Close()); err != nil {
			return err
		}
		for line := range bytes.Lines(out.Bytes()) {
			if _, err := fmt.Fprintf(w, "  %s", line); err != nil {
				return err
			}
		}
	}
	return nil
}

func userNode(u *userv1.TransferUser) *yaml.Node {
	user, addresses := mapping(), list()
	put(user, "nickname", text(u.GetNickName()))
	if failover := writeFailover(u); failover != "" {
		put(user, "failover", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: failover})
	}
	if hours := u.GetQuietHours(); hours != nil {
		put(user, "quiet_hours", quietHoursNode(hours))
	}
	for _, a := range u.GetAddresses() {
		address := mapping()
		for _, f := range fields {
			if value := f.get(a); value != "" {
				node := text(value)
				if f.number {
					node.Tag = "!!int"
				}
				put(address, f.name, node)
			}
		}
		addresses.Content = append(addresses.Content, address)
	}
	if len(addresses.Content) > 0 {
		put(user, "addresses", addresses)
	}
	return user
}

func groupNode(g *userv1.TransferGroup) *yaml.Node {
	group, members := mapping(), list()
	put(group, "name", text(g.GetGroupName()))
	for _, m := range g.GetMembers() {
		members.Content = append(members.Content, text(m))
	}
	put(group, "members", members)
	return group
}

func list() *yaml.Node    { return &yaml.Node{Kind: yaml.SequenceNode} }
func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func put(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, text(key), value)
}

// readYAML parses an import file in YAML and returns its problems. Unknown fields are
// problems.
func readYAML(in []byte) (s importFile, ps fileProblems, err error) {
	err = readDocument(in, &ps, "users and groups", func(r *yamlReader) map[string]func(*yaml.Node) { return r.directoryFields(&s) })
	return s, ps, err
}

// readDocument parses one YAML document, a mapping with known keys, and records its problems.
func readDocument(in []byte, ps *fileProblems, what string, known func(*yamlReader) map[string]func(*yaml.Node)) error {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(in))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("invalid YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("the file holds more than one YAML document")
	}
	r := &yamlReader{fileProblems: ps}
	for _, root := range document.Content {
		r.mapping(root, what, known(r))
	}
	return nil
}

// directoryFields returns the functions that parse the users and the groups of a document.
func (r *yamlReader) directoryFields(s *importFile) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"users": func(n *yaml.Node) {
			r.list(n, "users", func(n *yaml.Node) { s.users = append(s.users, r.user(n)) })
		},
		"groups": func(n *yaml.Node) {
			r.list(n, "groups", func(n *yaml.Node) { s.groups = append(s.groups, r.group(n)) })
		},
	}
}

// A yamlReader parses the nodes of a document and records problems by line.
type yamlReader struct {
	*fileProblems
	depth  int // depth of nested aliases
	copies int // number of values read through aliases
}

func (r *yamlReader) user(n *yaml.Node) *userv1.TransferUser {
	u := &userv1.TransferUser{Line: int32(n.Line)}
	r.mapping(n, "a user", map[string]func(*yaml.Node){
		"nickname": func(n *yaml.Node) { u.NickName = r.text(n, "nickname") },
		"failover": func(n *yaml.Node) {
			if err := readFailover(u, r.text(n, "failover")); err != nil {
				r.addf(n.Line, "failover: %v", err)
			}
		},
		"quiet_hours": func(n *yaml.Node) { u.QuietHours = r.quietHours(n) },
		"addresses": func(n *yaml.Node) {
			r.list(n, "addresses", func(n *yaml.Node) { u.Addresses = append(u.Addresses, r.address(n)) })
		},
	})
	return u
}

func (r *yamlReader) address(n *yaml.Node) *userv1.TransferAddress {
	a := &userv1.TransferAddress{Line: int32(n.Line)}
	known := make(map[string]func(*yaml.Node), len(fields))
	for _, f := range fields {
		known[f.name] = func(n *yaml.Node) {
			if err := f.set(a, r.text(n, f.name)); err != nil {
				r.addf(n.Line, "%s: %v", f.name, err)
			}
		}
	}
	r.mapping(n, "an address", known)
	return a
}

func (r *yamlReader) group(n *yaml.Node) *userv1.TransferGroup {
	g := &userv1.TransferGroup{Line: int32(n.Line)}
	r.mapping(n, "a group", map[string]func(*yaml.Node){
		"name": func(n *yaml.Node) { g.GroupName = r.text(n, "name") },
		"members": func(n *yaml.Node) {
			r.list(n, "members", func(n *yaml.Node) { g.Members = append(g.Members, r.text(n, "a member")) })
		},
	})
	return g
}

// mapping calls the function of each key with its value.
func (r *yamlReader) mapping(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.addf(n.Line, "%s must be a mapping", what)
		return
	}
	r.fields(n, what, known, map[string]bool{}, false)
}

// list calls read with each item. A key without a value is an empty list.
func (r *yamlReader) list(n *yaml.Node, what string, read func(*yaml.Node)) {
	switch {
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			r.value(item, read)
		}
	case n.Tag != "!!null":
		r.addf(n.Line, "%s must be a list", what)
	}
}

// text returns a scalar as it is written, so that 010 is not 8. Null is the empty text.
func (r *yamlReader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode {
		r.addf(n.Line, "%s must be a text", what)
		return ""
	}
	if n.Tag == "!!null" && n.Style == 0 {
		return ""
	}
	return n.Value
}
