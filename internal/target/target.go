// Package target parses targets, which name the users to notify: @user, @@group, @all.
package target

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Kind is the kind of a target.
type Kind int

// The kinds of targets.
const (
	User  Kind = iota + 1 // @name, a user by nickname
	Group                 // @@name, the users of a group
	All                   // @all, every user
)

// A Target names the users to notify. Its zero value names none.
type Target struct {
	Kind Kind
	Name string // the nickname or group name without its @; empty for All
}

// Parse parses a target: the text after @ is a nickname, the text after @@ a group
// name, which may contain spaces, / and @. Names are returned in canonical form. A
// malformed target is fault.ErrInvalid, and the error quotes the text, truncated if it
// is long.
func Parse(text string) (Target, error) {
	if text == "@all" {
		return Target{Kind: All}, nil
	}
	t := Target{Kind: User}
	rest, ok := strings.CutPrefix(text, "@")
	if group, ok := strings.CutPrefix(rest, "@"); ok {
		t.Kind, rest = Group, group
	}
	if !ok {
		return Target{}, fault.Invalidf("malformed target %q, must be @user, @@group or @all", truncate(text))
	}
	name, err := storedName(rest)
	if err != nil {
		return Target{}, fault.Invalidf("malformed target %q, must be @user, @@group or @all: %w", truncate(text), err)
	}
	t.Name = name
	return t, nil
}

// ParseAll parses targets in order. It returns the error of the first malformed one, with the
// field target[index].
func ParseAll(texts []string) ([]Target, error) {
	targets := make([]Target, 0, len(texts))
	for i, text := range texts {
		t, err := Parse(text)
		if err != nil {
			return nil, fault.WithField(err, fmt.Sprintf("target[%d]", i))
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// String returns the text that Parse parses as t.
func (t Target) String() string {
	switch t.Kind {
	case All:
		return "@all"
	case Group:
		return "@@" + t.Name
	default:
		return "@" + t.Name
	}
}

// truncate truncates a text for an error message, on a character boundary.
func truncate(text string) string {
	const most = 2 * MaxName
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}
