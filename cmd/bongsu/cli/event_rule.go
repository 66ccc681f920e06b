package cli

import (
	"context"
	"strings"

	"connectrpc.com/connect"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
)

// eventRuleList is the command bongsu event rules list.
type eventRuleList struct{ client }

// Help returns the long help.
func (eventRuleList) Help() string {
	return "Examples:\n\n\tbongsu event rules list\n\tbongsu event rules list --json"
}

// Run executes bongsu event rules list.
func (c eventRuleList) Run(ctx context.Context, con *console) error {
	all := &eventv1.ListEventRulesResponse{}
	for token := ""; ; {
		res, err := c.events().ListEventRules(ctx, &eventv1.ListEventRulesRequest{PageSize: listPage, PageToken: token})
		if err != nil {
			return err
		}
		all.Rules = append(all.GetRules(), res.GetRules()...)
		if token = res.GetNextPageToken(); token == "" {
			break
		}
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetRules()) == 0 {
			p.say("no event rules")
			return
		}
		p.row("NAME", "TYPE", "CONDITION", "TARGETS", "STATE", "REVISION", "UPDATED")
		for _, r := range all.GetRules() {
			state := "on"
			if r.GetDisabled() {
				state = "disabled"
			}
			p.row(r.GetName(), r.GetType(), firstLine(r.GetCondition()), firstLine(ruleTargets(r)), state, r.GetRevision(), p.time(r.GetUpdateTime()))
		}
	})
}

// ruleTargets returns the targets of a rule on one line.
func ruleTargets(r *eventv1.EventRule) string {
	var all []string
	for _, n := range r.GetNotify() {
		all = append(all, strings.Join(n.GetTargets(), ","))
	}
	return strings.Join(all, "; ")
}

// eventRuleGet is the command bongsu event rules get.
type eventRuleGet struct {
	client
	Name string `arg:"" help:"The name of the rule."`
}

// Help returns the long help.
func (eventRuleGet) Help() string {
	return "The output can be changed and given to bongsu event rules set. It has the revision: a change of somebody else in between is an error.\n\nExample:\n\n\tbongsu event rules get order-created > rule.yaml"
}

// Run executes bongsu event rules get.
func (c eventRuleGet) Run(ctx context.Context, con *console) error {
	res, err := c.events().GetEventRule(ctx, &eventv1.GetEventRuleRequest{Name: c.Name})
	if err != nil {
		return err
	}
	text, err := ruleFile(res.GetRule())
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		for line := range strings.Lines(string(text)) {
			p.say("%s", strings.TrimRight(line, "\n"))
		}
	})
}

// eventRuleSet is the command bongsu event rules set.
type eventRuleSet struct {
	client
	File string `arg:"" help:"A file with a rule, or several under rules, in YAML or JSON; - reads standard input."`
}

// Help returns the long help.
func (eventRuleSet) Help() string {
	return `The rules are set one after the other; the command ends at the first that is invalid. Rules that the file does not hold stay. Quote templates in YAML.

	rules:
	  - name: order-created
	    type: order.created
	    message: "Order {{.data.order}}: {{.data.total}} euros."
	    notify:
	      - targets: ["@{{.data.buyer}}"]

Examples:

	bongsu event rules set rules.yaml
	bongsu event rules get order-created | sed s/euros/dollars/ | bongsu event rules set -`
}

// Run executes bongsu event rules set.
func (c eventRuleSet) Run(ctx context.Context, con *console) error {
	text, err := readEventFile(con, c.File)
	if err != nil {
		return err
	}
	rules, err := readRuleFile(text)
	if err != nil {
		return usagef("%s: %s", c.File, err)
	}
	done, all := []string{}, &eventv1.ListEventRulesResponse{}
	for _, rule := range rules {
		set, created, err := c.set(ctx, rule)
		if err != nil {
			return err
		}
		word := "replaced"
		if created {
			word = "created"
		}
		done, all.Rules = append(done, word), append(all.GetRules(), set)
	}
	return con.show(c.JSON, all, func(p *page) {
		for i, rule := range all.GetRules() {
			p.say("event rule %s is %s", rule.GetName(), done[i])
		}
	})
}

// set replaces a rule, or creates it.
func (c eventRuleSet) set(ctx context.Context, rule *eventv1.EventRule) (set *eventv1.EventRule, created bool, err error) {
	updated, err := c.events().UpdateEventRule(ctx, &eventv1.UpdateEventRuleRequest{Name: rule.GetName(), Rule: rule})
	if err == nil || connect.CodeOf(err) != connect.CodeNotFound || rule.GetRevision() != 0 {
		return updated.GetRule(), false, err
	}
	res, err := c.events().CreateEventRule(ctx, &eventv1.CreateEventRuleRequest{Rule: rule})
	return res.GetRule(), true, err
}

// eventRuleDelete is the command bongsu event rules delete.
type eventRuleDelete struct {
	client
	Name string `arg:"" help:"The name of the rule."`
}

// Help returns the long help.
func (eventRuleDelete) Help() string {
	return "Events that wait for a batch of the rule are notified of first.\n\nExample:\n\n\tbongsu event rules delete order-created"
}

// Run executes bongsu event rules delete.
func (c eventRuleDelete) Run(ctx context.Context, con *console) error {
	res, err := c.events().DeleteEventRule(ctx, &eventv1.DeleteEventRuleRequest{Name: c.Name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("event rule %s is deleted", c.Name) })
}

// eventRuleTest is the command bongsu event rules test.
type eventRuleTest struct {
	client
	Name   string `arg:"" help:"The name of the rule."`
	Sample string `arg:"" help:"A file with an event in JSON, such as {\"type\": \"order.created\", \"data\": {\"order\": 41}}; - reads standard input."`
	File   string `placeholder:"PATH" help:"A file with the rule, in place of the stored one."`
}

// Help returns the long help.
func (eventRuleTest) Help() string {
	return `Nothing is stored or sent.

Examples:

	bongsu event rules test order-created sample.json
	bongsu event rules test order-created sample.json --file=rules.yaml`
}

// Run executes bongsu event rules test.
func (c eventRuleTest) Run(ctx context.Context, con *console) error {
	text, err := readEventFile(con, c.Sample)
	if err != nil {
		return err
	}
	sample, err := readSample(text)
	if err != nil {
		return usagef("%s: %s", c.Sample, err)
	}
	req := &eventv1.TestEventRuleRequest{Name: c.Name, Event: sample}
	if c.File != "" {
		if req.Rule, err = c.rule(con); err != nil {
			return err
		}
		req.Name = ""
	}
	res, err := c.events().TestEventRule(ctx, req)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if !res.GetMatches() {
			p.say("the rule does not match the event")
		}
		for i, a := range res.GetAlerts() {
			if i > 0 {
				p.say("")
			}
			p.field("notifies", testedRecipients(a))
			p.field("targets", strings.Join(a.GetTargets(), ", "))
			for _, f := range []struct{ name, value string }{
				{"by", strings.Join(a.GetBy(), ", ")}, {"severity", a.GetSeverity()}, {"title", a.GetTitle()}, {"message", a.GetMessage()},
				{"link", a.GetLink()}, {"unknown", strings.Join(a.GetUnknownTargets(), ", ")},
			} {
				if f.value != "" {
					p.field(f.name, f.value)
				}
			}
		}
	})
}

// rule returns the rule of the file.
func (c eventRuleTest) rule(con *console) (*eventv1.EventRule, error) {
	text, err := readEventFile(con, c.File)
	if err != nil {
		return nil, err
	}
	rules, err := readRuleFile(text)
	if err != nil {
		return nil, usagef("%s: %s", c.File, err)
	}
	for _, rule := range rules {
		if rule.GetName() == c.Name {
			return rule, nil
		}
	}
	return nil, usagef("%s has no rule %q", c.File, c.Name)
}

// testedRecipients returns who would be notified on one line.
func testedRecipients(a *eventv1.TestedAlert) string {
	if len(a.GetRecipients()) == 0 {
		return "nobody"
	}
	names := make([]string, len(a.GetRecipients()))
	for i, r := range a.GetRecipients() {
		names[i] = r.GetNickName() + " by " + r.GetMessenger()
	}
	return strings.Join(names, ", ")
}
