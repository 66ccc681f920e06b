package edge

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/auth"
)

var _ accessv1connect.AccessServiceHandler = AccessHandler{}

// Bans lists and lifts bans.
type Bans interface {
	// List returns the bans that have not expired.
	List(ctx context.Context) ([]ban.Ban, error)
	// Lift ends the ban of an address, or of its network. It must return fault.ErrNotFound if
	// the address is not banned.
	Lift(ctx context.Context, address netip.Addr) error
}

// An AccessHandler implements AccessService. It answers what the edge knows, the caller and the
// bans, and forwards the rest to the access service.
type AccessHandler struct {
	accessv1connect.AccessServiceClient // the access service

	Bans Bans
}

// GetCaller returns the caller. Without authentication, a request without a caller is allowed everything.
func (h AccessHandler) GetCaller(ctx context.Context, _ *accessv1.GetCallerRequest) (*accessv1.GetCallerResponse, error) {
	caller, ok := auth.CallerOf(ctx)
	if !ok {
		return &accessv1.GetCallerResponse{Permissions: role.Permissions([]string{string(role.Admin)})}, nil
	}
	return &accessv1.GetCallerResponse{
		Id: caller.ID, Name: caller.Name, Roles: caller.Roles, NickName: caller.Nickname, Permissions: role.Permissions(caller.Roles),
	}, nil
}

// ListBans returns the bans, latest first.
func (h AccessHandler) ListBans(ctx context.Context, _ *accessv1.ListBansRequest) (*accessv1.ListBansResponse, error) {
	bans, err := h.Bans.List(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(bans, func(a, b ban.Ban) int {
		return cmp.Or(b.CreateTime.Compare(a.CreateTime), a.Address.Addr().Compare(b.Address.Addr()))
	})
	res := &accessv1.ListBansResponse{Bans: make([]*accessv1.Ban, 0, len(bans))}
	for _, b := range bans {
		res.Bans = append(res.Bans, &accessv1.Ban{
			Address: auth.NetworkText(b.Address), CreateTime: timestamppb.New(b.CreateTime), ExpireTime: timestamppb.New(b.ExpireTime),
		})
	}
	return res, nil
}

// LiftBan ends the ban of an address, or of the network that is named in a list.
func (h AccessHandler) LiftBan(ctx context.Context, req *accessv1.LiftBanRequest) (*accessv1.LiftBanResponse, error) {
	network, err := auth.ParseNetwork(req.GetAddress())
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if err := h.Bans.Lift(ctx, network.Addr()); err != nil {
		return nil, err
	}
	return &accessv1.LiftBanResponse{}, nil
}
