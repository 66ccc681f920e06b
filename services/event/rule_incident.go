package event

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxKey is the maximum length of an alert key, in characters: the limit of an alert, less the
// prefix and the suffix.
const maxKey = 180

// keyPrefix begins the alert keys of rules, which differ from those of other sources by it.
const keyPrefix = "event:"

// checkKey returns an error for fields of a rule that need a key, and for a key with a batch, whose
// events may have different ones.
func checkKey(r Rule) error {
	if r.Key != "" {
		if r.Batch != nil {
			return fault.InvalidField("key", "must be empty with a batch: its events may have different keys")
		}
		return nil
	}
	switch {
	case r.Status != "":
		return fault.InvalidField("status", "needs a key")
	case r.Escalation != "":
		return fault.InvalidField("escalation", "needs a key")
	case len(r.RepeatFields) > 0:
		return fault.InvalidField("repeat_fields", "needs a key")
	}
	return nil
}

// setIncident sets the key of an alert, and what it says of its incident. Errors name the field.
func (c *CompiledRule) setIncident(a *PlannedAlert, values map[string]any) error {
	if c.rule.Key == "" {
		return nil
	}
	text, err := c.key.Execute(values)
	if err == nil {
		a.Key, err = fitKey(text)
	}
	if err != nil {
		return invalidField("key", err)
	}
	if text, err = c.status.Execute(values); err == nil {
		a.Status, err = parseStatus(text)
	}
	if err != nil {
		return invalidField("status", err)
	}
	a.Escalation, a.RepeatFields = c.rule.Escalation, c.rule.RepeatFields
	return nil
}

// fitKey returns the alert key of a text, in one line. A text that is too long is an error: cut
// ones would be equal for different things.
func fitKey(text string) (string, error) {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return "", fault.Invalidf("is empty")
	case n > maxKey:
		return "", fault.Invalidf("has %d characters: at most %d are allowed", n, maxKey)
	}
	return keyPrefix + text, nil
}

// keyOfNotify returns the key of an alert of a rule's notify. Those after the first have keys of
// their own, because an alert with another message would be an update for those of the first.
func keyOfNotify(key string, index int) string {
	if key == "" || index == 0 {
		return key
	}
	return key + " #" + strconv.Itoa(index+1)
}

// parseStatus returns the status with a name, compared without case; firing for "".
func parseStatus(text string) (AlertStatus, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "firing":
		return StatusFiring, nil
	case "resolved":
		return StatusResolved, nil
	case "acknowledged":
		return StatusAcknowledged, nil
	}
	return 0, fault.Invalidf("must be firing, resolved or acknowledged")
}

// String returns the name of the status; empty for none.
func (s AlertStatus) String() string { return [...]string{"", "firing", "resolved", "acknowledged"}[s] }
