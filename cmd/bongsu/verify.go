package main

import (
	"context"
	"errors"
	"fmt"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// userTestAddress is bongsu user test-address.
type userTestAddress struct {
	userArg
	Address string `arg:"" help:"The address: its id, or its messenger."`
	Send    bool   `help:"Send a message that says it is a test."`
}

// Help is the long help.
func (userTestAddress) Help() string {
	return `Asks the provider whether the credential is good and the destination can be reached, where it has a call for that; nobody is told anything. With --send a test message goes out, too. It ends with 1 where the provider says no.

Examples:

	bongsu user test-address user1 slack
	bongsu user test-address user1 slack --send`
}

// errAddress ends the command where the provider would not have it. What it said has
// been shown.
var errAddress = errors.New("the address does not work")

// Run is bongsu user test-address.
func (c userTestAddress) Run(ctx context.Context, con *console) error {
	a, err := c.find(ctx, c.Address)
	if err != nil {
		return err
	}
	res, err := c.users().VerifyUserAddress(ctx, &userv1.VerifyUserAddressRequest{NickName: c.name(), Id: a.GetId(), SendTest: c.Send})
	if err != nil {
		return err
	}
	err = con.show(c.JSON, res, func(p *page) {
		p.field("address", fmt.Sprintf("%d of %s: %s %s", a.GetId(), c.name(), a.GetMessenger(), a.GetDestination()))
		if res.GetVerified() == nil {
			p.field("verified", "its provider has no call for that; --send tries it")
		} else {
			p.field("verified", said(res.GetVerified()))
		}
		if res.GetTest() != nil {
			p.field("test", said(res.GetTest()))
		}
	})
	if err == nil && (bad(res.GetVerified()) || bad(res.GetTest())) {
		return errAddress
	}
	return err
}

// bad says whether an outcome is there and is not what was hoped for.
func bad(o *messengerv1.Outcome) bool {
	return o != nil && o.GetKind() != messengerv1.OutcomeKind_OUTCOME_KIND_SENT
}

// said is an outcome in a line.
func said(o *messengerv1.Outcome) string {
	if !bad(o) {
		return "yes"
	}
	text := "no: " + word(o.GetKind(), "OUTCOME_KIND_")
	if o.GetProviderStatus() != 0 {
		text += fmt.Sprintf(", status %d", o.GetProviderStatus())
	}
	return text + ", " + o.GetProviderCode()
}
