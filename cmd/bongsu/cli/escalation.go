package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
)

// escalationSet is the command bongsu escalation set.
type escalationSet struct {
	client
	Name   string   `arg:"" help:"The name of the policy, which alerts and event rules name: at most 64 of a-z, 0-9 and -, beginning with a letter."`
	Steps  []string `name:"step" sep:"none" required:"" placeholder:"WAIT TARGETS" help:"A step, repeatable in their order: the time since the step before, then targets, such as '15m @kim @@ops'; after 'by' the messengers that notify, such as '0s @kim by twilio,slack'."`
	Repeat int32    `help:"How often all steps are repeated after the first time, from 0 to 100."`
	Groups []string `name:"group" placeholder:"NAME" help:"A group that the policy is attached to: it is that of alerts with the target @@NAME that name no policy. Repeatable."`
}

// Help returns the long help.
func (escalationSet) Help() string {
	return `Creates an escalation policy, or replaces the one of its name. The steps are taken until somebody acknowledges the incident, or it is resolved. Incidents that escalate already keep their steps.

Examples:

	bongsu escalation set night --step='0s @kim by twilio' --step='15m @lee by twilio' --step='30m @@ops' --repeat=2
	bongsu escalation set ops --step='10m @@ops-lead' --group=ops
	bongsu alert send @kim --about='disk of db1' --escalation=night --severity=critical 'disk is full'`
}

// Run executes bongsu escalation set.
func (c escalationSet) Run(ctx context.Context, con *console) error {
	req := &incidentv1.SetEscalationPolicyRequest{Name: c.Name, RepeatCount: c.Repeat, Groups: c.Groups}
	for _, text := range c.Steps {
		step, err := parseStep(text)
		if err != nil {
			return usagef("invalid --step %q: %s; use a form such as '15m @kim @@ops by twilio'", text, err)
		}
		req.Steps = append(req.Steps, step)
	}
	res, err := c.escalations().SetEscalationPolicy(ctx, req)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("escalation policy %s is set", c.Name) })
}

// parseStep returns the step of a flag.
func parseStep(text string) (*incidentv1.EscalationStep, error) {
	words := strings.Fields(strings.ReplaceAll(text, ",", " "))
	if len(words) < 2 {
		return nil, fmt.Errorf("it has no target")
	}
	wait, err := time.ParseDuration(words[0])
	if err != nil {
		return nil, fmt.Errorf("%q is no duration", words[0])
	}
	step := &incidentv1.EscalationStep{Wait: durationpb.New(wait)}
	for i, word := range words[1:] {
		if word == "by" {
			step.By = words[i+2:]
			if len(step.By) == 0 {
				return nil, fmt.Errorf("no messenger follows 'by'")
			}
			break
		}
		step.Target = append(step.Target, word)
	}
	if len(step.GetTarget()) == 0 {
		return nil, fmt.Errorf("it has no target")
	}
	return step, nil
}

// escalationList is the command bongsu escalation list.
type escalationList struct{ client }

// Help returns the long help.
func (escalationList) Help() string {
	return "Examples:\n\n\tbongsu escalation list\n\tbongsu escalation list --json"
}

// Run executes bongsu escalation list.
func (c escalationList) Run(ctx context.Context, con *console) error {
	res, err := c.escalations().ListEscalationPolicies(ctx, &incidentv1.ListEscalationPoliciesRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetPolicies()) == 0 {
			p.say("no escalation policies")
			return
		}
		p.row("NAME", "STEPS", "REPEATED", "GROUPS")
		for _, policy := range res.GetPolicies() {
			p.row(policy.GetName(), stepsText(policy.GetSteps()), policy.GetRepeatCount(), strings.Join(policy.GetGroups(), ", "))
		}
	})
}

// stepsText returns steps as --step takes them.
func stepsText(steps []*incidentv1.EscalationStep) string {
	texts := make([]string, len(steps))
	for i, s := range steps {
		texts[i] = s.GetWait().AsDuration().String() + " " + strings.Join(s.GetTarget(), " ")
		if len(s.GetBy()) > 0 {
			texts[i] += " by " + strings.Join(s.GetBy(), ",")
		}
	}
	return strings.Join(texts, "; ")
}

// escalationDelete is the command bongsu escalation delete.
type escalationDelete struct {
	client
	Name string `arg:"" help:"The name of the policy."`
}

// Help returns the long help.
func (escalationDelete) Help() string {
	return "Incidents that escalate already keep their steps.\n\nExample:\n\n\tbongsu escalation delete night"
}

// Run executes bongsu escalation delete.
func (c escalationDelete) Run(ctx context.Context, con *console) error {
	res, err := c.escalations().DeleteEscalationPolicy(ctx, &incidentv1.DeleteEscalationPolicyRequest{Name: c.Name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("escalation policy %s is deleted", c.Name) })
}
