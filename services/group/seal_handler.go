package group

import (
	"context"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/seal"
)

// GetSeal says by which keys the credentials of the directory are sealed.
func (h *LookupHandler) GetSeal(ctx context.Context, _ *userv1.GetSealRequest) (*userv1.GetSealResponse, error) {
	canary, err := h.Key.Canary()
	if err != nil {
		return nil, err
	}
	seals, err := h.Sealing.Seals(ctx)
	if err != nil {
		return nil, err
	}
	res := &userv1.GetSealResponse{Canary: canary, PrimaryId: uint32(h.Key.Primary())}
	for _, s := range seals {
		if id, ok := seal.IDOf(s.Prefix); ok {
			res.Addresses = append(res.Addresses, &userv1.SealCount{KeyId: uint32(id), Count: int64(s.Count)})
		}
	}
	return res, nil
}
