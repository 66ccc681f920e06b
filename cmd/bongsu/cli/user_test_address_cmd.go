package cli

import (
	"context"
	"errors"
	"fmt"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// userTestAddress is the command bongsu user test-address.
type userTestAddress struct {
	userArg
	Address string `arg:"" help:"The address, by its id or its messenger."`
	Send    bool   `help:"Also send a test message."`
}

// Help returns the long help.
func (userTestAddress) Help() string {
	return `Verifies the credential and the destination with the provider, if it has a call for that; nobody is notified. With --send it also sends a test message. Exits with 1 if the provider rejects the address.

Examples:

	bongsu user test-address user1 slack
	bongsu user test-address user1 slack --send`
}

// errAddress is the error of the command if the provider rejected the address. The
// outcome is printed before.
var errAddress = errors.New("the address does not work")

// Run executes bongsu user test-address.
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
			p.field("verified", "not supported by the provider; use --send")
		} else {
			p.field("verified", outcomeLine(res.GetVerified()))
		}
		if res.GetTest() != nil {
			p.field("test", outcomeLine(res.GetTest()))
		}
	})
	if err == nil && (isBadOutcome(res.GetVerified()) || isBadOutcome(res.GetTest())) {
		return errAddress
	}
	return err
}

// isBadOutcome reports whether an outcome is set and is not Sent.
func isBadOutcome(o *messengerv1.Outcome) bool {
	return o != nil && o.GetKind() != messengerv1.OutcomeKind_OUTCOME_KIND_SENT
}

// outcomeLine returns an outcome as one line.
func outcomeLine(o *messengerv1.Outcome) string {
	if !isBadOutcome(o) {
		return "yes"
	}
	text := "no: " + enumWord(o.GetKind(), "OUTCOME_KIND_")
	if o.GetProviderStatus() != 0 {
		text += fmt.Sprintf(", status %d", o.GetProviderStatus())
	}
	return text + ", " + o.GetProviderCode()
}
