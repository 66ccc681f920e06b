package directory

import (
	"context"
	"net/url"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/outcome"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// ReceiptReader reads the receipts of providers. The directory service does so because it
// has the seal key.
type ReceiptReader struct {
	Key        *seal.Keyring
	Messengers []messenger.Messenger
}

// ReadReceipt parses a receipt. The credential is opened only to verify its signature.
func (r ReceiptReader) ReadReceipt(_ context.Context, req *userv1.ReadReceiptRequest) (*userv1.ReadReceiptResponse, error) {
	from, err := r.receiver(req.GetMessenger())
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(req.GetForm()))
	if err != nil {
		return nil, fault.InvalidField("body", "must be application/x-www-form-urlencoded")
	}
	credential, err := r.Key.OpenForOwner(req.GetSealedCredential(), seal.Owner{
		Name: req.GetNickName(), Service: req.GetMessenger(), Address: req.GetDestination(),
	})
	if err != nil {
		return nil, err
	}
	receipt, err := from.ParseReceipt(req.GetDeliveryId(), form, req.GetSignature(), credential)
	if err != nil {
		return nil, err
	}
	return &userv1.ReadReceiptResponse{Status: receipt.Status, Final: receipt.Final, Outcome: outcome.ToWire(receipt.Outcome)}, nil
}

// receiver returns the messenger with that name if its provider sends receipts.
func (r ReceiptReader) receiver(name string) (messenger.ReceiptParser, error) {
	for _, m := range r.Messengers {
		if from, ok := m.(messenger.ReceiptParser); ok && m.Spec().Name == name {
			return from, nil
		}
	}
	return nil, fault.WithResource(fault.NotFoundf("messenger %q with receipts not found", name), "messenger", name)
}
