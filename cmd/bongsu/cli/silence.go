package cli

import (
	"context"
	"strings"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
)

const matchersHelp = `Matchers have Alertmanager's syntax: name="value", name!="value", name=~"regex" or name!~"regex"; all of them must match. Names are key, severity, target, source, and those of the alert's details.`

// silenceAdd is the command bongsu silence add.
type silenceAdd struct {
	client
	Matchers []string `arg:"" name:"matcher" help:"What alerts must match, such as severity=low."`
	spanFlags
	Reason string `required:"" placeholder:"TEXT" help:"Why, for people."`
	Author string `placeholder:"NAME" help:"Who creates it; a caller with credentials by default, and no other."`
	Force  bool   `help:"Create a silence that is too broad."`
}

// Help returns the long help.
func (silenceAdd) Help() string {
	return `Firing alerts that match are recorded, but nobody is notified of them: their deliveries are canceled with the reason silenced, and can be replayed. ` + matchersHelp + `

Examples:

	bongsu silence add severity=low 'key=~"disk.*"' --for=2h --reason="disks are replaced"
	bongsu silence add 'host=~"db[0-9]+"' --from=2026-12-01T22:00:00Z --until=2026-12-02T02:00:00Z --reason=maintenance
	bongsu silence add 'target="@@ops"' --for=30m --reason=drill`
}

// Run executes bongsu silence add.
func (c silenceAdd) Run(ctx context.Context, con *console) error {
	start, end, err := c.span(con)
	if err != nil {
		return err
	}
	res, err := c.silences().CreateSilence(ctx, &incidentv1.CreateSilenceRequest{
		Matchers: c.Matchers, StartTime: start, EndTime: end, Reason: c.Reason, Author: c.Author, Force: c.Force,
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("silence %s until %s", res.GetSilence().GetId(), p.time(res.GetSilence().GetEndTime()))
	})
}

// silenceList is the command bongsu silence list.
type silenceList struct {
	client
	Expired bool   `help:"Also those that ended in the last 30 days."`
	Limit   int    `default:"50" help:"The maximum number of silences, at most 500."`
	Page    string `placeholder:"TOKEN" help:"The token that the page before ended with."`
}

// Help returns the long help.
func (silenceList) Help() string {
	return "Those that end last come first.\n\nExamples:\n\n\tbongsu silence list\n\tbongsu silence list --expired --json"
}

// Run executes bongsu silence list.
func (c silenceList) Run(ctx context.Context, con *console) error {
	res, err := c.silences().ListSilences(ctx, &incidentv1.ListSilencesRequest{PageSize: int32(c.Limit), PageToken: c.Page, Expired: c.Expired})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetSilences()) == 0 {
			p.say("no silences")
			return
		}
		p.row("ID", "STATE", "BEGIN", "END", "AUTHOR", "MATCHERS", "REASON")
		for _, s := range res.GetSilences() {
			p.row(s.GetId(), enumWord(s.GetState(), "SILENCE_STATE_"), p.time(s.GetStartTime()), p.time(s.GetEndTime()), s.GetAuthor(), strings.Join(s.GetMatchers(), " "), s.GetReason())
		}
		if next := res.GetNextPageToken(); next != "" {
			con.warn("there are more: add --page=%s", next)
		}
	})
}

// silenceShow is the command bongsu silence show.
type silenceShow struct {
	client
	ID string `arg:"" name:"id" help:"The id of the silence."`
}

// Help returns the long help.
func (silenceShow) Help() string { return "Example:\n\n\tbongsu silence show 7" }

// Run executes bongsu silence show.
func (c silenceShow) Run(ctx context.Context, con *console) error {
	res, err := c.silences().GetSilence(ctx, &incidentv1.GetSilenceRequest{Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		s := res.GetSilence()
		p.field("id", s.GetId())
		p.field("state", enumWord(s.GetState(), "SILENCE_STATE_"))
		for _, m := range s.GetMatchers() {
			p.field("matcher", m)
		}
		p.field("begin", p.time(s.GetStartTime()))
		p.field("end", p.time(s.GetEndTime()))
		p.field("reason", s.GetReason())
		p.field("author", s.GetAuthor())
		p.field("created", p.time(s.GetCreateTime()))
	})
}

// silenceExpire is the command bongsu silence expire.
type silenceExpire struct {
	client
	ID string `arg:"" name:"id" help:"The id of the silence."`
}

// Help returns the long help.
func (silenceExpire) Help() string {
	return "Alerts that were silenced stay so: bongsu delivery replay --reason=silenced sends them.\n\nExample:\n\n\tbongsu silence expire 7"
}

// Run executes bongsu silence expire.
func (c silenceExpire) Run(ctx context.Context, con *console) error {
	res, err := c.silences().ExpireSilence(ctx, &incidentv1.ExpireSilenceRequest{Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("silence %s has ended", c.ID) })
}

// silencePreview is the command bongsu silence preview.
type silencePreview struct {
	client
	Matchers []string `arg:"" name:"matcher" help:"What alerts must match, such as severity=low."`
}

// Help returns the long help.
func (silencePreview) Help() string {
	return `Shows the alerts of the last day that a silence would have held back, and stores nothing. ` + matchersHelp + `

Example:

	bongsu silence preview severity=low 'key=~"disk.*"'`
}

// Run executes bongsu silence preview.
func (c silencePreview) Run(ctx context.Context, con *console) error {
	res, err := c.silences().PreviewSilence(ctx, &incidentv1.PreviewSilenceRequest{Matchers: c.Matchers})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetAlerts()) > 0 {
			p.row("ID", "TIME", "SEVERITY", "KEY", "MESSAGE")
		}
		for _, a := range res.GetAlerts() {
			p.row(a.GetId(), p.time(a.GetCreateTime()), a.GetSeverity(), a.GetKey(), firstLine(a.GetMessage()))
		}
		p.say("%d of %d alerts of the last day match", res.GetAlertCount(), res.GetTotalCount())
		if res.GetBroad() != "" {
			con.warn("too broad: it needs --force: %s", res.GetBroad())
		}
	})
}
