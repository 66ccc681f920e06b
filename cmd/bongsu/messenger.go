package main

import (
	"context"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// messengerList is bongsu messenger list.
type messengerList struct {
	client
}

// Help is the long help.
func (messengerList) Help() string {
	return "Examples:\n\n\tbongsu messenger list\n\tbongsu messenger list --json"
}

// Run is bongsu messenger list.
func (c messengerList) Run(ctx context.Context, con *console) error {
	res, err := c.messengers().ListMessengers(ctx, &messengerv1.ListMessengersRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.row("NAME", "TITLE", "CREDENTIAL", "DESTINATION")
		for _, m := range res.GetMessengers() {
			p.row(m.GetName(), m.GetTitle(), described(m.GetCredential()), described(m.GetDestination()))
		}
	})
}

// described is what an address needs, for people.
func described(s *messengerv1.Setting) string {
	if s.GetHint() == "" {
		return s.GetLabel()
	}
	return s.GetLabel() + ": " + s.GetHint()
}
