// Package silence parses the matchers of silences and matches alerts against them. The syntax
// is that of Alertmanager.
package silence

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// The names that do not name a detail.
const (
	nameKey      = "key"
	nameSeverity = "severity"
	nameTarget   = "target"
	nameSource   = "source"
)

// A Subject is an alert as matchers see it.
type Subject struct {
	Key      string // without the prefix of intake; empty for none
	Severity string
	Source   string // the source of intake; empty for a caller
	Targets  []string
	Details  []job.Detail
}

// values returns the values that a name has in the subject.
func (s Subject) values(name string) []string {
	switch name {
	case nameKey:
		return []string{s.Key}
	case nameSeverity:
		return []string{s.Severity}
	case nameSource:
		return []string{s.Source}
	case nameTarget:
		return s.Targets
	}
	var values []string
	for _, d := range s.Details {
		if target.CanonicalName(d.Name) == name {
			values = append(values, d.Value)
		}
	}
	return values
}

// Matchers are the matchers of one silence. They are safe for concurrent use.
type Matchers []*labels.Matcher

// Parse parses matchers, each one text. An error is fault.ErrInvalid and names the text, such
// as matchers[1].
func Parse(texts []string) (Matchers, error) {
	ms := make(Matchers, 0, len(texts))
	for i, text := range texts {
		m, err := parseMatcher(text)
		if err != nil {
			return nil, fault.InvalidField(fmt.Sprintf("matchers[%d]", i), "invalid matcher: %v", err)
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// parseMatcher parses a matcher as Alertmanager does by default: by its present syntax or, if
// that fails or differs, by its older one, in which a backslash in quotes need not be escaped.
// Texts are compared in Unicode's NFC.
func parseMatcher(text string) (*labels.Matcher, error) {
	text = target.CanonicalName(text)
	m, err := parse.Matcher(text)
	if older, olderErr := labels.ParseMatcher(text); olderErr == nil && !reflect.DeepEqual(m, older) {
		m, err = older, nil
	}
	switch {
	case err != nil:
		return nil, err
	case m.Name == "":
		return nil, fmt.Errorf("%s has no name", text)
	case !utf8.ValidString(m.Name+m.Value) || strings.ContainsRune(m.Name+m.Value, 0):
		return nil, fmt.Errorf("%q contains NUL or is not UTF-8", text)
	}
	return m, nil
}

// Strings returns the matchers as texts, from which Parse returns equal ones.
func (ms Matchers) Strings() []string {
	texts := make([]string, len(ms))
	for i, m := range ms {
		texts[i] = m.String()
	}
	return texts
}

// Match reports whether all matchers match the subject. If a name has several values, = and =~
// match if one of them matches, and != and !~ if none does. If it has none, its value is empty.
func (ms Matchers) Match(s Subject) bool {
	for _, m := range ms {
		if !matchValues(m, s.values(m.Name)) {
			return false
		}
	}
	return true
}

func matchValues(m *labels.Matcher, values []string) bool {
	if len(values) == 0 {
		return m.Matches("")
	}
	matches := func(value string) bool { return m.Matches(target.CanonicalName(value)) }
	if m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp {
		return slices.ContainsFunc(values, matches)
	}
	return !slices.ContainsFunc(values, func(value string) bool { return !matches(value) })
}
