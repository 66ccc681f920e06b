package cli

import (
	"context"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
)

// An incidentAction command changes an incident.
type incidentAction struct {
	client
	ID string `arg:"" help:"The incident's id."`
	By string `placeholder:"NAME" help:"Who does it; by default, and with an API key or token always, the caller."`
}

// A commentFlag is the reason of an action.
type commentFlag struct {
	Comment string `placeholder:"TEXT" help:"A comment for the timeline, which those who were notified are shown."`
}

// incidentAck is the command bongsu incident ack.
type incidentAck struct {
	incidentAction
	commentFlag
}

// Help returns the long help.
func (incidentAck) Help() string {
	return "Acknowledges an open incident: those who were notified of it are shown who takes care of it.\n\nExamples:\n\n\tbongsu incident ack 227894805024210944\n\tbongsu incident ack 227894805024210944 --by=kim --comment=\"on it\""
}

// Run executes bongsu incident ack.
func (c incidentAck) Run(ctx context.Context, con *console) error {
	res, err := c.incidents().AckIncident(ctx, &incidentv1.AckIncidentRequest{Id: c.ID, By: c.By, Comment: c.Comment})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		by := ""
		if res.GetIncident().GetAckBy() != "" {
			by = " by " + res.GetIncident().GetAckBy()
		}
		p.say("incident %s is acknowledged%s", c.ID, by)
		p.say("next: %s", c.next("bongsu incident resolve "+c.ID))
	})
}

// incidentUnack is the command bongsu incident unack.
type incidentUnack struct {
	incidentAction
	commentFlag
}

// Help returns the long help.
func (incidentUnack) Help() string {
	return "Takes an acknowledgment back. Those who were notified of the incident are shown it.\n\nExamples:\n\n\tbongsu incident unack 227894805024210944 --comment=\"needs a database administrator\""
}

// Run executes bongsu incident unack.
func (c incidentUnack) Run(ctx context.Context, con *console) error {
	res, err := c.incidents().UnackIncident(ctx, &incidentv1.UnackIncidentRequest{Id: c.ID, By: c.By, Comment: c.Comment})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("incident %s is not acknowledged", c.ID) })
}

// incidentResolve is the command bongsu incident resolve.
type incidentResolve struct {
	incidentAction
	commentFlag
}

// Help returns the long help.
func (incidentResolve) Help() string {
	return "Resolves an incident: those who were notified of it are told that it is over. If its alerts go on, it is reopened, or a new one is opened.\n\nExamples:\n\n\tbongsu incident resolve 227894805024210944\n\tbongsu incident resolve 227894805024210944 --comment=\"disk replaced\""
}

// Run executes bongsu incident resolve.
func (c incidentResolve) Run(ctx context.Context, con *console) error {
	res, err := c.incidents().ResolveIncident(ctx, &incidentv1.ResolveIncidentRequest{Id: c.ID, By: c.By, Comment: c.Comment})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("incident %s is resolved since %s", c.ID, p.time(res.GetIncident().GetResolveTime()))
	})
}

// incidentComment is the command bongsu incident comment.
type incidentComment struct {
	incidentAction
	Text string `arg:"" help:"The comment."`
}

// Help returns the long help.
func (incidentComment) Help() string {
	return "Adds a comment to the timeline of an incident. Nobody is notified.\n\nExamples:\n\n\tbongsu incident comment 227894805024210944 \"waiting for the vendor\""
}

// Run executes bongsu incident comment.
func (c incidentComment) Run(ctx context.Context, con *console) error {
	res, err := c.incidents().CommentIncident(ctx, &incidentv1.CommentIncidentRequest{Id: c.ID, By: c.By, Text: c.Text})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("the comment is in the timeline of incident %s", c.ID) })
}
