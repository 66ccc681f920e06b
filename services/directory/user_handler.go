package directory

import (
	"context"
	"fmt"
	"time"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

var _ userv1connect.UserServiceHandler = (*UserHandler)(nil)

// defaultUsersPage is the page size if the request sets none.
const defaultUsersPage = 100

// A UserHandler implements UserService. It seals each new credential for its address.
type UserHandler struct {
	Users     Users
	Key       *seal.Keyring
	Specs     []messenger.Spec // the supported messengers
	AllowHTTP bool             // allow http URLs

	Messengers []messenger.Messenger // for the verification of addresses
	Now        func() time.Time

	verifying verifyLimit
}

// ListUsers returns a page of users.
func (h *UserHandler) ListUsers(ctx context.Context, req *userv1.ListUsersRequest) (*userv1.ListUsersResponse, error) {
	after, err := readPageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	limit := int(req.GetPageSize())
	if limit == 0 {
		limit = defaultUsersPage
	}
	users, err := h.Users.Users(ctx, after, limitForNext(limit))
	if err != nil {
		return nil, err
	}
	res := &userv1.ListUsersResponse{Users: make([]*userv1.User, 0, len(users))}
	if len(users) > limit {
		users = users[:limit]
		res.NextPageToken = pageToken(users[limit-1].ID)
	}
	for _, u := range users {
		res.Users = append(res.Users, userToWire(u))
	}
	return res, nil
}

// GetUser returns one user.
func (h *UserHandler) GetUser(ctx context.Context, req *userv1.GetUserRequest) (*userv1.GetUserResponse, error) {
	u, err := h.Users.User(ctx, canonicalNickname(req))
	if err != nil {
		return nil, err
	}
	return &userv1.GetUserResponse{User: userToWire(u)}, nil
}

// CreateUser creates a user with addresses.
func (h *UserHandler) CreateUser(ctx context.Context, req *userv1.CreateUserRequest) (*userv1.CreateUserResponse, error) {
	nickname, err := newNickname("nick_name", req.GetNickName())
	if err != nil {
		return nil, err
	}
	addresses := make([]Address, 0, len(req.GetAddresses()))
	for i, in := range req.GetAddresses() {
		a, err := h.accept(nickname, in)
		if err != nil {
			return nil, fault.Within(fmt.Sprintf("addresses[%d]", i), err)
		}
		addresses = append(addresses, a)
	}
	hours, err := quietHoursFromWire(req.GetQuietHours())
	if err != nil {
		return nil, err
	}
	u, err := h.Users.AddUser(ctx, User{Nickname: nickname, Failover: req.GetFailover(), Addresses: addresses, QuietHours: hours})
	if err != nil {
		return nil, err
	}
	return &userv1.CreateUserResponse{User: userToWire(u)}, nil
}

// UpdateUser changes the fields that are set.
func (h *UserHandler) UpdateUser(ctx context.Context, req *userv1.UpdateUserRequest) (*userv1.UpdateUserResponse, error) {
	change := UserChange{Failover: req.Failover}
	if req.GetNewNickName() != "" {
		nickname, err := newNickname("new_nick_name", req.GetNewNickName())
		if err != nil {
			return nil, err
		}
		change.Nickname = &nickname
		change.Reseal = resealWith(h.Key, func(of *seal.Owner) { of.Name = nickname })
	}
	if req.QuietHours != nil {
		hours, err := quietHoursFromWire(req.QuietHours)
		if err != nil {
			return nil, err
		}
		change.QuietHours = &hours
	}
	u, err := h.Users.ChangeUser(ctx, canonicalNickname(req), change)
	if err != nil {
		return nil, err
	}
	return &userv1.UpdateUserResponse{User: userToWire(u)}, nil
}

// DeleteUser deletes a user.
func (h *UserHandler) DeleteUser(ctx context.Context, req *userv1.DeleteUserRequest) (*userv1.DeleteUserResponse, error) {
	if err := h.Users.DeleteUser(ctx, canonicalNickname(req)); err != nil {
		return nil, err
	}
	return &userv1.DeleteUserResponse{}, nil
}

// AddUserAddress adds an address to a user.
func (h *UserHandler) AddUserAddress(ctx context.Context, req *userv1.AddUserAddressRequest) (*userv1.AddUserAddressResponse, error) {
	nickname := canonicalNickname(req)
	a, err := h.accept(nickname, req.GetAddress())
	if err != nil {
		return nil, fault.Within("address", err)
	}
	a, err = h.Users.AddAddress(ctx, nickname, a)
	if err != nil {
		return nil, err
	}
	return &userv1.AddUserAddressResponse{Address: addressToWire(a)}, nil
}

// ReplaceUserAddress overwrites an address. The rank stays if the request sets none.
func (h *UserHandler) ReplaceUserAddress(ctx context.Context, req *userv1.ReplaceUserAddressRequest) (*userv1.ReplaceUserAddressResponse, error) {
	nickname := canonicalNickname(req)
	a, err := h.accept(nickname, req.GetAddress())
	if err != nil {
		return nil, fault.Within("address", err)
	}
	a.ID = int(req.GetId())
	if req.GetAddress().Rank == nil {
		a.Rank = KeepRank
	}
	a, err = h.Users.ReplaceAddress(ctx, nickname, a)
	if err != nil {
		return nil, err
	}
	return &userv1.ReplaceUserAddressResponse{Address: addressToWire(a)}, nil
}

// RemoveUserAddress removes an address.
func (h *UserHandler) RemoveUserAddress(ctx context.Context, req *userv1.RemoveUserAddressRequest) (*userv1.RemoveUserAddressResponse, error) {
	if err := h.Users.RemoveAddress(ctx, canonicalNickname(req), int(req.GetId())); err != nil {
		return nil, err
	}
	return &userv1.RemoveUserAddressResponse{}, nil
}

// accept validates a new address of a user against the spec of its messenger, and
// returns it. Its error begins with the name of the field.
func (h *UserHandler) accept(nickname string, in *userv1.NewAddress) (Address, error) {
	spec, ok := messenger.Find(h.Specs, in.GetMessenger())
	if !ok {
		return Address{}, fault.InvalidField("messenger", "unknown messenger %q, use one of ListMessengers", in.GetMessenger())
	}
	if err := spec.Credential.Validate(in.GetCredential(), h.AllowHTTP); err != nil {
		return Address{}, fault.InvalidField("credential", "%w", err)
	}
	if err := spec.Destination.Validate(in.GetDestination(), h.AllowHTTP); err != nil {
		return Address{}, fault.InvalidField("destination", "%w", err)
	}
	a, err := newAddress(h.Key, in.GetCredential(), seal.Owner{Name: nickname, Service: spec.Name, Address: in.GetDestination()})
	a.Rank = int(in.GetRank())
	return a, err
}
