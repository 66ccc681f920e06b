package cli

import (
	"context"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
)

// banList is the command bongsu ban list.
type banList struct{ client }

// Help returns the long help.
func (banList) Help() string {
	return "Lists the addresses whose requests every edge refuses, and until when.\n\nExamples:\n\n\tbongsu ban list\n\tbongsu ban list --json"
}

// Run executes bongsu ban list.
func (c banList) Run(ctx context.Context, con *console) error {
	res, err := c.access().ListBans(ctx, &accessv1.ListBansRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetBans()) == 0 {
			p.say("no bans")
			return
		}
		p.row("ADDRESS", "SINCE", "UNTIL")
		for _, b := range res.GetBans() {
			p.row(b.GetAddress(), p.time(b.GetCreateTime()), p.time(b.GetExpireTime()))
		}
	})
}

// banLift is the command bongsu ban lift.
type banLift struct {
	client
	Address string `arg:"" help:"The banned address, or an address of the banned network."`
}

// Help returns the long help.
func (banLift) Help() string {
	return "Ends the ban at every edge.\n\nExamples:\n\n\tbongsu ban lift 203.0.113.7\n\tbongsu ban lift 2001:db8::7"
}

// Run executes bongsu ban lift.
func (c banLift) Run(ctx context.Context, con *console) error {
	res, err := c.access().LiftBan(ctx, &accessv1.LiftBanRequest{Address: c.Address})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("the ban of %s is lifted", c.Address) })
}
