package main

import (
	"context"
	"strings"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// messengerList is bongsu messenger list.
type messengerList struct {
	client
}

// Help is the long help.
func (messengerList) Help() string {
	return `LIMITS is how fast the provider lets one credential and one destination be called, where it says.

What a messenger may be: costly (a message costs money: one that may have been sent is sent again only where critical), idempotent (the provider knows a message again: to send it again tells nobody twice), verifiable (bongsu user test-address asks the provider about an address, and tells nobody).

Examples:

	bongsu messenger list
	bongsu messenger list --json`
}

// Run is bongsu messenger list.
func (c messengerList) Run(ctx context.Context, con *console) error {
	res, err := c.messengers().ListMessengers(ctx, &messengerv1.ListMessengersRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.row("NAME", "TITLE", "LIMITS", "IS", "CREDENTIAL", "DESTINATION")
		for _, m := range res.GetMessengers() {
			p.row(m.GetName(), m.GetTitle(), limits(m), traits(m), described(m.GetCredential()), described(m.GetDestination()))
		}
	})
}

// limits says how fast a messenger may be called.
func limits(m *messengerv1.Messenger) string {
	var all []string
	if limit := m.GetCredentialLimit(); limit != "" {
		all = append(all, limit+" a credential")
	}
	if limit := m.GetDestinationLimit(); limit != "" {
		all = append(all, limit+" a destination")
	}
	return strings.Join(all, ", ")
}

// traits says what a messenger is, of what the long help explains.
func traits(m *messengerv1.Messenger) string {
	var all []string
	for _, t := range []struct {
		is   bool
		name string
	}{{m.GetCostly(), "costly"}, {m.GetIdempotent(), "idempotent"}, {m.GetVerifiable(), "verifiable"}} {
		if t.is {
			all = append(all, t.name)
		}
	}
	return strings.Join(all, ", ")
}

// described is what an address needs, for people.
func described(s *messengerv1.Setting) string {
	if s.GetHint() == "" {
		return s.GetLabel()
	}
	return s.GetLabel() + ": " + s.GetHint()
}
