package directory

import (
	"context"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

var (
	_ userv1connect.DirectoryServiceHandler = (*LookupHandler)(nil)
	_ userinfoconnect.UserInfoHandler       = (*LookupHandler)(nil)
)

// A LookupHandler resolves targets for DirectoryService, which returns sealed
// credentials, and for the UserInfo of the older service, which returns them in the
// clear. Both are internal: the edge serves neither.
type LookupHandler struct {
	Finder  Lookup
	Sealing SealStore
	Key     *seal.Keyring
	ReceiptReader
}

// LookUp returns the recipients of targets, with sealed credentials.
func (h *LookupHandler) LookUp(ctx context.Context, req *userv1.LookUpRequest) (*userv1.LookUpResponse, error) {
	targets, err := target.ParseList(req.GetTarget())
	if err != nil {
		return nil, err
	}
	found, unknown, err := h.Resolve(ctx, targets)
	if err != nil {
		return nil, err
	}
	return lookupToWire(found, unknown), nil
}

// Resolve is LookUp for callers in the same process, which have parsed the targets. unknown
// lists the unknown targets as they were written.
func (h *LookupHandler) Resolve(ctx context.Context, targets target.List) (found []Recipient, unknown []string, err error) {
	if len(targets.Targets) == 0 {
		return nil, nil, nil
	}
	found, missing, err := h.Finder.Find(ctx, targets.Targets)
	if err != nil {
		return nil, nil, err
	}
	return found, targets.AsWritten(missing), nil
}

// MoveAddresses changes the destination of addresses.
func (h *LookupHandler) MoveAddresses(ctx context.Context, req *userv1.MoveAddressesRequest) (*userv1.MoveAddressesResponse, error) {
	n, err := h.Finder.MoveAddresses(ctx, req.GetMessenger(), req.GetCredentialKey(), req.GetFrom(), req.GetTo(),
		resealWith(h.Key, func(of *seal.Owner) { of.Address = req.GetTo() }))
	if err != nil {
		return nil, err
	}
	return &userv1.MoveAddressesResponse{MovedCount: int32(n)}, nil
}

// GetUserList returns the recipients of targets as the older service does, with
// credentials in the clear.
func (h *LookupHandler) GetUserList(ctx context.Context, req *userinfo.NicknameOrTeam) (*userinfo.UserList, error) {
	if len(req.GetName()) > maxNames {
		return nil, fault.InvalidField("name", "must have at most %d items", maxNames)
	}
	targets, err := target.ParseList(req.GetName())
	if err != nil {
		return nil, err
	}
	found, _, err := h.Resolve(ctx, targets)
	if err != nil {
		return nil, err
	}
	list := &userinfo.UserList{User: make([]*userinfo.User, 0, len(found))}
	for _, r := range found {
		token, err := h.Key.OpenForOwner(r.Address.SealedCredential, r.owner())
		if err != nil {
			return nil, err
		}
		list.User = append(list.User, &userinfo.User{
			Nickname:    r.Nickname,
			ServiceType: r.Address.Messenger,
			Token:       token,
			Target:      r.Address.Destination,
		})
	}
	return list, nil
}

// maxNames is the maximum number of names in one request; UserInfo has no rule in its
// schema.
const maxNames = 10_000
