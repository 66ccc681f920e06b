package access

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ accessv1connect.AccessServiceHandler = (*Handler)(nil)

// defaultPage is the page size if the request sets none.
const defaultPage = 100

// A Handler implements AccessService, except for GetCaller, ListBans and LiftBan: the edge knows
// the caller and the bans, and answers those itself.
type Handler struct {
	accessv1connect.UnimplementedAccessServiceHandler

	Store Store
	Now   func() time.Time
}

// CreateKey creates an API key.
func (h *Handler) CreateKey(ctx context.Context, req *accessv1.CreateKeyRequest) (*accessv1.CreateKeyResponse, error) {
	k := Key{Name: req.GetName(), Role: req.GetRole(), CreateTime: h.Now(), ExpireTime: timeFromWire(req.GetExpireTime())}
	var err error
	if k.Nickname, err = nicknameOf(req); err != nil {
		return nil, err
	}
	if k.AllowedAddresses, err = allowedAddresses(req.GetAllowedAddresses()); err != nil {
		return nil, err
	}
	var text string
	if k.ID, text, k.SecretHash, err = auth.NewKey(); err != nil {
		return nil, err
	}
	if err := h.Store.AddKey(ctx, k); err != nil {
		return nil, err
	}
	return &accessv1.CreateKeyResponse{
		Id: k.ID, Key: text, Name: k.Name, Role: k.Role, NickName: k.Nickname,
		CreateTime: timeToWire(k.CreateTime), ExpireTime: timeToWire(k.ExpireTime), AllowedAddresses: networksToWire(k.AllowedAddresses),
	}, nil
}

// ListKeys returns a page of keys by id.
func (h *Handler) ListKeys(ctx context.Context, req *accessv1.ListKeysRequest) (*accessv1.ListKeysResponse, error) {
	limit := pageSize(req.GetPageSize())
	keys, err := h.Store.Keys(ctx, req.GetPageToken(), limit+1)
	if err != nil {
		return nil, err
	}
	res := &accessv1.ListKeysResponse{Keys: make([]*accessv1.Key, 0, len(keys))}
	if len(keys) > limit {
		keys = keys[:limit]
		res.NextPageToken = keys[limit-1].ID
	}
	for _, k := range keys {
		res.Keys = append(res.Keys, keyToWire(k))
	}
	return res, nil
}

// RevokeKey revokes a key.
func (h *Handler) RevokeKey(ctx context.Context, req *accessv1.RevokeKeyRequest) (*accessv1.RevokeKeyResponse, error) {
	if err := h.Store.RevokeKey(ctx, req.GetId(), h.Now()); err != nil {
		return nil, err
	}
	return &accessv1.RevokeKeyResponse{}, nil
}

// nicknameOf returns the canonical nickname of a new key, which role user must have.
func nicknameOf(req *accessv1.CreateKeyRequest) (string, error) {
	if req.GetNickName() == "" {
		if req.GetRole() == string(role.User) {
			return "", fault.InvalidField("nick_name", "role user needs the nickname of the user whose key it is")
		}
		return "", nil
	}
	nickname, err := target.NewNickname(req.GetNickName())
	if err != nil {
		return "", fmt.Errorf("nick_name: %w", err)
	}
	return nickname, nil
}

// allowedAddresses parses the addresses and networks of a new key.
func allowedAddresses(texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(texts))
	for i, text := range texts {
		network, err := auth.ParseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("allowed_addresses[%d]: %w", i, err)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// pageSize returns the page size of a request.
func pageSize(requested int32) int {
	if requested == 0 {
		return defaultPage
	}
	return int(requested)
}
