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
	counts := map[seal.ID]*userv1.SealCount{} // what one key seals begins in two ways: for addresses, and as before
	for _, s := range seals {
		id, ok := seal.IDOf(s.Prefix)
		if !ok {
			continue
		}
		if counts[id] == nil {
			counts[id] = &userv1.SealCount{KeyId: uint32(id)}
			res.Addresses = append(res.Addresses, counts[id])
		}
		counts[id].Count += int64(s.Count)
	}
	return res, nil
}
