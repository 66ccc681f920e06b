package directory

import (
	"context"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// GetSeal returns a canary, the primary seal key, and the number of addresses under
// each seal key.
func (h *LookupHandler) GetSeal(ctx context.Context, _ *userv1.GetSealRequest) (*userv1.GetSealResponse, error) {
	canary, err := h.Key.Canary()
	if err != nil {
		return nil, err
	}
	seals, err := h.Sealing.CountBySealKey(ctx)
	if err != nil {
		return nil, err
	}
	res := &userv1.GetSealResponse{Canary: canary, PrimaryId: uint32(h.Key.Primary())}
	counts := map[seal.KeyID]*userv1.SealCount{} // a seal key has two prefixes: of the present and the older format
	for _, s := range seals {
		id, ok := seal.KeyIDOf(s.Prefix)
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
