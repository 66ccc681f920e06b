// Package silence parses the matchers of silences and matches alerts against them. The syntax
// is that of Alertmanager.
package silence

import (
	"fmt"
	"reflect"
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
		if !match(m, &s) {
			return false
		}
	}
	return true
}

func match(m *labels.Matcher, s *Subject) bool {
	switch m.Name {
	case nameKey:
		return matchValue(m, s.Key)
	case nameSeverity:
		return matchValue(m, s.Severity)
	case nameSource:
		return matchValue(m, s.Source)
	case nameTarget:
		return matchTargets(m, s.Targets)
	}
	return matchDetails(m, s.Details)
}

func matchValue(m *labels.Matcher, value string) bool { return m.Matches(target.CanonicalName(value)) }

func matchTargets(m *labels.Matcher, targets []string) bool {
	for _, t := range targets {
		if matchValue(m, t) == isPositive(m) {
			return isPositive(m)
		}
	}
	return matchRest(m, len(targets))
}

func matchDetails(m *labels.Matcher, details []job.Detail) bool {
	n := 0
	for _, d := range details {
		if target.CanonicalName(d.Name) != m.Name {
			continue
		}
		if n++; matchValue(m, d.Value) == isPositive(m) {
			return isPositive(m)
		}
	}
	return matchRest(m, n)
}

// isPositive reports whether one matching value decides that the name matches. Otherwise one value
// that does not match decides that it does not.
func isPositive(m *labels.Matcher) bool {
	return m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp
}

// matchRest reports whether a matcher matches a name after none of its n values was decisive.
func matchRest(m *labels.Matcher, n int) bool {
	if n == 0 {
		return m.Matches("")
	}
	return !isPositive(m)
}
