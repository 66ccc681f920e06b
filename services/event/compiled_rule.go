package event

import (
	"fmt"
	"slices"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// A CompiledRule is a rule whose condition and templates are parsed. It is safe for concurrent
// use.
type CompiledRule struct {
	rule      Rule
	pattern   Pattern
	condition Condition

	title, link, severity *texttemplate.Template
	key, status           *texttemplate.Template
	notify                []compiledNotify
	batch                 *texttemplate.Template // of the message of a batch; nil for a list
}

type compiledNotify struct {
	targets []TargetTemplate
	message *texttemplate.Template
}

// CompileRule validates a rule. Errors are fault.ErrInvalid and name the field.
func CompileRule(r Rule) (*CompiledRule, error) {
	c := &CompiledRule{rule: r}
	var err error
	if c.pattern, err = ParsePattern(r.Type); err != nil {
		return nil, invalidField("type", err)
	}
	if c.condition, err = ParseCondition(r.Condition); err != nil {
		return nil, invalidField("condition", err)
	}
	message, err := texttemplate.ParseStrict(r.Message)
	if err != nil {
		return nil, invalidField("message", err)
	}
	for _, field := range []struct {
		name, text string
		template   **texttemplate.Template
	}{{"title", r.Title, &c.title}, {"link", r.Link, &c.link}, {"severity", r.Severity, &c.severity}, {"key", r.Key, &c.key}, {"status", r.Status, &c.status}} {
		if *field.template, err = texttemplate.ParseStrict(field.text); err != nil {
			return nil, invalidField(field.name, err)
		}
	}
	if err := checkKey(r); err != nil {
		return nil, err
	}
	if len(r.Notify) == 0 {
		return nil, fault.InvalidField("notify", "at least one is required")
	}
	for i, n := range r.Notify {
		one := compiledNotify{message: message}
		if n.Message != "" {
			if one.message, err = texttemplate.ParseStrict(n.Message); err != nil {
				return nil, invalidField(fmt.Sprintf("notify[%d].message", i), err)
			}
		}
		for j, text := range n.Targets {
			t, err := ParseTargetTemplate(text)
			if err != nil {
				return nil, invalidField(fmt.Sprintf("notify[%d].targets[%d]", i, j), err)
			}
			one.targets = append(one.targets, t)
		}
		c.notify = append(c.notify, one)
	}
	if r.Batch != nil && r.Batch.Message != "" {
		if c.batch, err = texttemplate.Parse(r.Batch.Message); err != nil {
			return nil, invalidField("batch.message", err)
		}
	}
	return c, nil
}

// invalidField returns err as that of a field.
func invalidField(path string, err error) error { return fault.InvalidField(path, "%w", err) }

// matches reports whether the rule applies to an event.
func (c *CompiledRule) matches(fields eventFields) (bool, error) {
	if !c.pattern.Match(fields.event.Type) {
		return false, nil
	}
	is, err := c.condition.Match(fields)
	if err != nil {
		return false, fmt.Errorf("condition: %w", err)
	}
	return is, nil
}

// plan returns the alerts of the rule for an event that it applies to, one for each notify. Errors
// name the field.
func (c *CompiledRule) plan(fields eventFields) ([]PlannedAlert, error) {
	values := fields.forTemplates()
	common := PlannedAlert{Rule: c.rule.Name, TTL: c.rule.TTL, Batch: c.rule.Batch}
	text, err := c.title.Execute(values)
	if err != nil {
		return nil, invalidField("title", err)
	}
	common.Title = fitTitle(text)
	if text, err = c.link.Execute(values); err == nil {
		common.Link, err = fitLink(text)
	}
	if err != nil {
		return nil, invalidField("link", err)
	}
	if text, err = c.severity.Execute(values); err == nil {
		common.Severity, err = fitSeverity(text)
	}
	if err != nil {
		return nil, invalidField("severity", err)
	}
	if err := c.setIncident(&common, values); err != nil {
		return nil, err
	}
	alerts := make([]PlannedAlert, len(c.notify))
	for i, n := range c.notify {
		a := common
		a.Index, a.By = i, c.rule.Notify[i].By
		a.Key = keyOfNotify(common.Key, i)
		if a.Targets, err = n.targetsOf(values); err != nil {
			return nil, fault.Within(fmt.Sprintf("notify[%d]", i), err)
		}
		if text, err = n.message.Execute(values); err == nil {
			a.Message, err = fitMessage(text, maxMessage)
		}
		if err != nil {
			if c.rule.Notify[i].Message != "" {
				return nil, invalidField(fmt.Sprintf("notify[%d].message", i), err)
			}
			return nil, invalidField("message", err)
		}
		alerts[i] = a
	}
	return alerts, nil
}

// targetsOf returns the targets of a notify, each once.
func (n compiledNotify) targetsOf(values map[string]any) ([]string, error) {
	var targets []string
	for j, t := range n.targets {
		some, err := t.Targets(values)
		if err != nil {
			return nil, invalidField(fmt.Sprintf("targets[%d]", j), err)
		}
		for _, one := range some {
			if !slices.Contains(targets, one) {
				targets = append(targets, one)
			}
			if len(targets) > maxTargets {
				return nil, fault.InvalidField("targets", "more than %d targets", maxTargets)
			}
		}
	}
	return targets, nil
}
