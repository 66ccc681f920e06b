package cli

import (
	"context"
	"strings"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// messengerList is the command bongsu messenger list.
type messengerList struct {
	client
}

// Help returns the long help.
func (messengerList) Help() string {
	return `LIMITS are the provider's rate limits for one credential and one destination, if it has any.

IS lists traits: costly (a message costs money: a possible duplicate is retried only for critical alerts), idempotent (the provider deduplicates: a repeated delivery notifies nobody twice), verifiable (bongsu user test-address can check an address with the provider without notifying anybody).

Examples:

	bongsu messenger list
	bongsu messenger list --json`
}

// Run executes bongsu messenger list.
func (c messengerList) Run(ctx context.Context, con *console) error {
	res, err := c.messengers().ListMessengers(ctx, &messengerv1.ListMessengersRequest{})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.row("NAME", "TITLE", "LIMITS", "IS", "CREDENTIAL", "DESTINATION")
		for _, m := range res.GetMessengers() {
			p.row(m.GetName(), m.GetTitle(), limits(m), messengerTraits(m), describeSetting(m.GetCredential()), describeSetting(m.GetDestination()))
		}
	})
}

// limits returns the rate limits of a messenger as text.
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

// messengerTraits returns the traits of a messenger that the long help explains.
func messengerTraits(m *messengerv1.Messenger) string {
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

// describeSetting returns the label and the hint of a setting.
func describeSetting(s *messengerv1.Setting) string {
	if s.GetHint() == "" {
		return s.GetLabel()
	}
	return s.GetLabel() + ": " + s.GetHint()
}
