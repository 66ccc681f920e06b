package cli

import (
	"context"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
)

// deadLetterList is the command bongsu dead-letter list.
type deadLetterList struct {
	client
	Rule  string `placeholder:"NAME" help:"Only those of this rule."`
	Limit int    `default:"100" help:"At most this many, up to 1000."`
}

// Help returns the long help.
func (deadLetterList) Help() string {
	return "Examples:\n\n\tbongsu dead-letter list\n\tbongsu dead-letter list --rule=order-created --json"
}

// Run executes bongsu dead-letter list.
func (c deadLetterList) Run(ctx context.Context, con *console) error {
	if c.Limit < 1 || c.Limit > listPage {
		return usagef("--limit must be from 1 to %d", listPage)
	}
	res, err := c.events().ListDeadLetters(ctx, &eventv1.ListDeadLettersRequest{PageSize: int32(c.Limit), Rule: c.Rule})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetDeadLetters()) == 0 {
			p.say("no dead letters")
			return
		}
		p.row("ID", "TIME", "RULE", "TYPE", "SOURCE", "EVENT", "REASON")
		for _, d := range res.GetDeadLetters() {
			e := d.GetEvent()
			p.row(d.GetId(), p.time(d.GetCreateTime()), d.GetRule(), e.GetType(), e.GetSource(), e.GetId(), d.GetReason())
		}
		if res.GetNextPageToken() != "" {
			con.warn("there are more: raise --limit, or replay these")
		}
	})
}

// deadLetterReplay is the command bongsu dead-letter replay.
type deadLetterReplay struct {
	client
	IDs []string `arg:"" name:"id" optional:"" help:"The ids of dead letters."`
	All bool     `help:"All dead letters."`
}

// Help returns the long help.
func (deadLetterReplay) Help() string {
	return `Dead letters that are handled are removed; those that fail again stay, with their new reasons.

Examples:

	bongsu dead-letter replay 17 18
	bongsu dead-letter replay --all`
}

// Run executes bongsu dead-letter replay.
func (c deadLetterReplay) Run(ctx context.Context, con *console) error {
	if c.All == (len(c.IDs) > 0) {
		return usagef("give ids of dead letters, or --all")
	}
	res, err := c.events().ReplayDeadLetters(ctx, &eventv1.ReplayDeadLettersRequest{Ids: c.IDs, All: c.All})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("%d dead letters were handled and removed, %d failed again", res.GetHandledCount(), res.GetFailedCount())
	})
}
