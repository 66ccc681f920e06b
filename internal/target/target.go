// Package target reads the words that say whom to tell: @user, @@group, @all.
package target

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// Kind is what a target names.
type Kind int

// The kinds of targets.
const (
	User  Kind = iota + 1 // @name, a user by nickname
	Group                 // @@name, the users of a group
	All                   // @all, every user
)

// A Target names whom to tell. Its zero value names nobody.
type Target struct {
	Kind Kind
	Name string // the nickname or group name without its @; empty for All
}

// Parse returns the target that a text names: what stands after @ is a nickname, what
// stands after @@ a group name, also with spaces, / and @ in it. Names are given in
// their canonical form. A text of another form is fault.ErrInvalid, and the error quotes
// the text, cut where it is long.
func Parse(text string) (Target, error) {
	if text == "@all" {
		return Target{Kind: All}, nil
	}
	t := Target{Kind: User}
	rest, ok := strings.CutPrefix(text, "@")
	if group, is := strings.CutPrefix(rest, "@"); is {
		t.Kind, rest = Group, group
	}
	if !ok {
		return Target{}, fmt.Errorf("target %q is not of the form @user, @@group or @all: %w", cut(text), fault.ErrInvalid)
	}
	name, err := anyName(rest)
	if err != nil {
		return Target{}, fmt.Errorf("target %q is not of the form @user, @@group or @all: %w: %w", cut(text), err, fault.ErrInvalid)
	}
	t.Name = name
	return t, nil
}

// ParseAll reads targets in order. The first of another form is the error.
func ParseAll(texts []string) ([]Target, error) {
	targets := make([]Target, 0, len(texts))
	for _, text := range texts {
		t, err := Parse(text)
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// String returns the text that Parse reads as t.
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

// cut shortens a text for an error message, on a character boundary.
func cut(text string) string {
	const most = 2 * MaxName
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}
