package directory

import (
	"context"
	"time"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/outcome"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// verifyTimeout is the timeout of each call to the provider.
	verifyTimeout = 10 * time.Second
	// testText is the text of a test message.
	testText = "[low] This is a test by Bongsu: alerts reach you here."
)

// VerifyUserAddress verifies an address with its provider, and sends a test message if
// the request sets send_test. Calls are rate limited by verifyLimit. The credential is
// opened for these calls only.
func (h *UserHandler) VerifyUserAddress(ctx context.Context, req *userv1.VerifyUserAddressRequest) (*userv1.VerifyUserAddressResponse, error) {
	a, err := h.address(ctx, canonicalNickname(req), int(req.GetId()))
	if err != nil {
		return nil, err
	}
	credential, err := h.Key.OpenForOwner(a.SealedCredential, Recipient{Nickname: canonicalNickname(req), Address: a}.owner())
	if err != nil {
		return nil, err
	}
	m, err := h.messenger(a.Messenger)
	if err != nil {
		return nil, err
	}
	if err := h.verifying.wait(ctx, h.Now()); err != nil {
		return nil, err
	}
	res := &userv1.VerifyUserAddressResponse{}
	if v, ok := m.(messenger.Verifier); ok {
		asking, cancel := context.WithTimeout(ctx, verifyTimeout)
		defer cancel()
		res.Verified = outcome.ToWire(v.Verify(asking, credential, a.Destination))
	}
	if req.GetSendTest() {
		sending, cancel := context.WithTimeout(ctx, verifyTimeout)
		defer cancel()
		now := h.Now()
		res.Test = outcome.ToWire(m.Send(sending, messenger.Message{
			DeliveryID:  now.UnixNano(), // unique: no delivery id is so large, and no other test has this time
			Nickname:    canonicalNickname(req),
			Credential:  credential,
			Destination: a.Destination,
			Text:        testText,
			Severity:    "low",
			Time:        now,
		}))
	}
	return res, nil
}

// address returns an address of a user.
func (h *UserHandler) address(ctx context.Context, nickname string, id int) (Address, error) {
	u, err := h.Users.User(ctx, nickname)
	if err != nil {
		return Address{}, err
	}
	for _, a := range u.Addresses {
		if a.ID == id {
			return a, nil
		}
	}
	return Address{}, fault.WithResource(fault.NotFoundf("address %d of user %q not found", id, nickname), "address", id)
}

// messenger returns the messenger of an address.
func (h *UserHandler) messenger(name string) (messenger.Messenger, error) {
	for _, m := range h.Messengers {
		if m.Spec().Name == name {
			return m, nil
		}
	}
	return nil, fault.WithResource(fault.NotFoundf("messenger %q not found", name), "messenger", name)
}
