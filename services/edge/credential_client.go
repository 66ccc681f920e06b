package edge

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var (
	_ auth.KeyFinder      = KeyStore{}
	_ auth.KeyUseRecorder = KeyStore{}
)

// A KeyStore finds API keys, and records their uses, by the access service: its handler in
// this process, or a client.
type KeyStore struct {
	Credentials accessv1connect.CredentialServiceClient
}

// FindKey returns the key with an id.
func (s KeyStore) FindKey(ctx context.Context, id string) (auth.StoredKey, error) {
	res, err := s.Credentials.FindKey(ctx, &accessv1.FindKeyRequest{Id: id})
	switch {
	case errors.Is(err, fault.ErrNotFound), connect.CodeOf(err) == connect.CodeNotFound:
		return auth.StoredKey{}, fault.NotFoundf("key %s not found", id)
	case err != nil:
		return auth.StoredKey{}, err
	}
	key := res.GetKey()
	if key.GetId() != id {
		return auth.StoredKey{}, fmt.Errorf("access service returned key %q for %q", key.GetId(), id)
	}
	allowed, err := networksOf(key.GetAllowedAddresses())
	if err != nil {
		return auth.StoredKey{}, fmt.Errorf("key %s: %w", id, err)
	}
	return auth.StoredKey{
		Caller:     auth.Caller{ID: id, Name: key.GetName(), Roles: []string{key.GetRole()}, Nickname: key.GetNickName()},
		SecretHash: res.GetSecretHash(), ExpireTime: timeOf(key.GetExpireTime()), RevokeTime: timeOf(key.GetRevokeTime()),
		AllowedAddresses: allowed,
	}, nil
}

// RecordKeyUses records uses.
func (s KeyStore) RecordKeyUses(ctx context.Context, uses []auth.KeyUse) error {
	req := &accessv1.RecordKeyUsesRequest{}
	for _, use := range uses {
		req.Uses = append(req.Uses, &accessv1.KeyUse{Id: use.ID, Time: timestamppb.New(use.Time)})
	}
	_, err := s.Credentials.RecordKeyUses(ctx, req)
	return err
}

func networksOf(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		network, err := auth.ParseNetwork(text)
		if err != nil {
			return nil, err
		}
		all = append(all, network)
	}
	return all, nil
}

// timeOf returns a time, and the zero time for an unset one.
func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
