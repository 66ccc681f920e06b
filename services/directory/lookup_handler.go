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
	found, unknown, err := h.find(ctx, req.GetTarget())
	if err != nil {
		return nil, err
	}
	res := &userv1.LookUpResponse{Recipients: make([]*userv1.Recipient, 0, len(found))}
	for _, r := range found {
		res.Recipients = append(res.Recipients, &userv1.Recipient{
			NickName:         r.Nickname,
			Messenger:        r.Address.Messenger,
			Destination:      r.Address.Destination,
			SealedCredential: r.Address.SealedCredential,
			CredentialKey:    r.Address.CredentialFingerprint,
			Failover:         r.Failover,
		})
	}
	res.UnknownTarget = unknownAsWritten(unknown, req.GetTarget())
	return res, nil
}

// MoveAddresses changes the destination of addresses.
func (h *LookupHandler) MoveAddresses(ctx context.Context, req *userv1.MoveAddressesRequest) (*userv1.MoveAddressesResponse, error) {
	n, err := h.Finder.MoveAddresses(ctx, req.GetMessenger(), req.GetCredentialKey(), req.GetFrom(), req.GetTo(),
		resealWith(h.Key, func(of *seal.Owner) { of.Destination = req.GetTo() }))
	if err != nil {
		return nil, err
	}
	return &userv1.MoveAddressesResponse{MovedCount: int32(n)}, nil
}

// GetUserList returns the recipients of targets as the older service does, with
// credentials in the clear.
func (h *LookupHandler) GetUserList(ctx context.Context, req *userinfo.NicknameOrTeam) (*userinfo.UserList, error) {
	found, _, err := h.find(ctx, req.GetName())
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

// unknownAsWritten returns targets in the form of the request, which need not be the canonical
// one.
func unknownAsWritten(targets []target.Target, texts []string) []string {
	if len(targets) == 0 {
		return nil
	}
	written := make(map[string]string, len(texts))
	for _, text := range texts {
		if name := target.CanonicalName(text); written[name] == "" {
			written[name] = text
		}
	}
	out := make([]string, len(targets))
	for i, t := range targets {
		out[i] = written[t.String()]
	}
	return out
}

func (h *LookupHandler) find(ctx context.Context, names []string) ([]Recipient, []target.Target, error) {
	if len(names) > maxNames {
		return nil, nil, fault.Invalidf("name: must have at most %d items", maxNames)
	}
	targets, err := target.ParseAll(names)
	if err != nil || len(targets) == 0 {
		return nil, nil, err
	}
	return h.Finder.Find(ctx, targets)
}
