package alert

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// ListSealKeys returns the seal keys that the directory, the ledger and the monitors still need.
func (h *MessengerHandler) ListSealKeys(ctx context.Context, _ *messengerv1.ListSealKeysRequest) (*messengerv1.ListSealKeysResponse, error) {
	directory, err := h.Directory.GetSeal(ctx, &userv1.GetSealRequest{})
	if err != nil {
		return nil, err
	}
	ledger, err := h.SealCounter.CountBySealKey(ctx)
	if err != nil {
		return nil, err
	}
	monitors, err := h.MonitorSeals.CountMonitorsBySealKey(ctx)
	counted := !errors.Is(err, ErrNoMonitorService)
	if counted && err != nil {
		return nil, err
	}
	keys := map[uint32]*messengerv1.SealKey{}
	of := func(id uint32) *messengerv1.SealKey {
		if keys[id] == nil {
			keys[id] = &messengerv1.SealKey{Id: id}
		}
		return keys[id]
	}
	of(directory.GetPrimaryId()).Primary = true
	for _, count := range directory.GetAddresses() {
		of(count.GetKeyId()).AddressCount += count.GetCount()
	}
	for _, s := range ledger {
		if id, ok := seal.KeyIDOf(s.Prefix); ok {
			of(uint32(id)).DeliveryCount += int64(s.Count)
			of(uint32(id)).CallbackEndpointCount += int64(s.Callbacks)
		}
	}
	for id := range monitors {
		of(uint32(id))
	}
	if counted {
		for id, k := range keys {
			k.MonitorCount = new(monitors[seal.KeyID(id)])
		}
	}
	return &messengerv1.ListSealKeysResponse{MonitorsCounted: counted, Keys: slices.SortedFunc(maps.Values(keys), func(a, b *messengerv1.SealKey) int {
		return cmp.Compare(a.GetId(), b.GetId())
	})}, nil
}
