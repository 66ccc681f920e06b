package event

import (
	"strconv"
	"strings"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// A TargetTemplate makes targets from an event. Its result is split at white space, but not
// inside of a value of the event: whoever chooses a value, such as the name of a customer,
// chooses one name and no further target. It is safe for concurrent use.
type TargetTemplate struct {
	fixed    string                 // the target, without a template
	template *texttemplate.Template // nil for a fixed target
}

// valueMark stands before and after the number of a value in a result. Templates do not contain
// it.
const valueMark = "\x00"

// ParseTargetTemplate parses a target, or a template if the text has {{. Errors are
// fault.ErrInvalid.
func ParseTargetTemplate(text string) (TargetTemplate, error) {
	if strings.Contains(text, valueMark) {
		return TargetTemplate{}, fault.Invalidf("target must not contain NUL")
	}
	if !strings.Contains(text, "{{") {
		if strings.Contains(strings.TrimSpace(text), " @") { // more likely two targets than a name
			return TargetTemplate{}, fault.Invalidf("malformed target %q: list each target on its own", cutText(text, 100))
		}
		t, err := target.Parse(strings.TrimSpace(text))
		return TargetTemplate{fixed: t.String()}, err
	}
	template, err := texttemplate.ParseStrict(text)
	return TargetTemplate{template: template}, err
}

// Targets returns the targets for an event; none is possible. Errors are fault.ErrInvalid.
func (t TargetTemplate) Targets(fields map[string]any) ([]string, error) {
	if t.template == nil {
		return []string{t.fixed}, nil
	}
	var values []string
	result, err := t.template.ExecuteEscaped(fields, func(value string) string {
		values = append(values, value)
		return valueMark + strconv.Itoa(len(values)-1) + valueMark
	})
	if err != nil {
		return nil, err
	}
	var targets []string
	for _, word := range strings.Fields(result) {
		one, err := parseTargetWord(word, values)
		if err != nil {
			return nil, err
		}
		targets = append(targets, one.String())
	}
	return targets, nil
}

// parseTargetWord parses a word of a result. The @ of the template decides what a value names:
// behind one it is a user, and behind two a group. A word that begins with a value is the target
// that the value names.
func parseTargetWord(word string, values []string) (target.Target, error) {
	text := fillValues(word, values)
	if !strings.Contains(word, valueMark) || strings.HasPrefix(word, valueMark) {
		return target.Parse(text)
	}
	t, err := target.Parse(text)
	if err != nil {
		return target.Target{}, err
	}
	group := strings.HasPrefix(word, "@@")
	if t.Kind == target.All || group != (t.Kind == target.Group) {
		return target.Target{}, fault.Invalidf("malformed target %q: a value of the event must not make it %s", text, t)
	}
	return t, nil
}

// fillValues returns a word with its values.
func fillValues(word string, values []string) string {
	parts := strings.Split(word, valueMark)
	for i := 1; i < len(parts); i += 2 { // every second part is the number of a value
		n, err := strconv.Atoi(parts[i])
		if err == nil && n < len(values) {
			parts[i] = values[n]
		}
	}
	return strings.Join(parts, "")
}
