package alert

import (
	"context"
	"slices"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// Receive records the receipt in a provider's callback, which the directory decodes.
func (h *DispatchHandler) Receive(ctx context.Context, req *jobv1.ReceiveRequest) (*jobv1.ReceiveResponse, error) {
	d, err := h.Receipts.CredentialOf(ctx, req.GetDeliveryId(), req.GetMessenger())
	if err != nil {
		return nil, err
	}
	res, err := h.ReceiptReader.ReadReceipt(ctx, &userv1.ReadReceiptRequest{
		Messenger:        req.GetMessenger(),
		SealedCredential: d.SealedCredential,
		NickName:         d.Nickname,
		Destination:      d.Destination,
		DeliveryId:       req.GetDeliveryId(),
		Form:             req.GetForm(),
		Signature:        req.GetSignature(),
	})
	if err != nil {
		return nil, err
	}
	defer h.Loop.Notify() // another delivery of its chain may be due
	if err := h.Receipts.RecordReceipt(ctx, req.GetDeliveryId(), receiptFromWire(res, h.Now())); err != nil {
		return nil, err
	}
	h.Hub.Changed(slices.Values([]int64{req.GetDeliveryId()}))
	return &jobv1.ReceiveResponse{}, nil
}
