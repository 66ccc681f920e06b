package edge_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/edge"
)

func TestGetCaller(t *testing.T) {
	h := edge.AccessHandler{AccessServiceClient: edge.NoAccess{}, Bans: banList{}}
	nobody, err := h.GetCaller(t.Context(), &accessv1.GetCallerRequest{})
	kittest.NoError(t, err)
	if nobody.GetId() != "" || len(nobody.GetRoles()) != 0 || !slices.Contains(nobody.GetPermissions(), "key.write") {
		t.Errorf("without authentication the caller is %v", nobody)
	}
	ctx := auth.WithCaller(t.Context(), auth.Caller{ID: "k1", Name: "kim's phone", Roles: []string{"user"}, Nickname: "kim"})
	got, err := h.GetCaller(ctx, &accessv1.GetCallerRequest{})
	kittest.NoError(t, err)
	if got.GetId() != "k1" || got.GetName() != "kim's phone" || !slices.Equal(got.GetRoles(), []string{"user"}) || got.GetNickName() != "kim" ||
		!slices.Contains(got.GetPermissions(), "caller.read") || slices.Contains(got.GetPermissions(), "key.write") {
		t.Errorf("the caller is %v", got)
	}
}

// A banList implements edge.Bans for some bans.
type banList map[netip.Prefix]ban.Ban

func (b banList) List(context.Context) ([]ban.Ban, error) {
	var all []ban.Ban
	for _, one := range b {
		all = append(all, one)
	}
	return all, nil
}

func (b banList) Lift(_ context.Context, address netip.Addr) error {
	for network := range b {
		if network.Contains(address) {
			delete(b, network)
			return nil
		}
	}
	return fault.NotFoundf("address %s is not banned", address)
}

func TestBans(t *testing.T) {
	ctx, now := t.Context(), time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	bans := banList{}
	for minutes, text := range []string{"203.0.113.7/32", "2001:db8::/64", "203.0.113.9/32"} {
		b := ban.Ban{Address: netip.MustParsePrefix(text), CreateTime: now.Add(time.Duration(minutes) * time.Minute), ExpireTime: now.Add(time.Hour)}
		bans[b.Address] = b
	}
	h := edge.AccessHandler{AccessServiceClient: edge.NoAccess{}, Bans: bans}
	list := func() (addresses []string) {
		res, err := h.ListBans(ctx, &accessv1.ListBansRequest{})
		kittest.NoError(t, err)
		for _, b := range res.GetBans() {
			addresses = append(addresses, b.GetAddress())
		}
		return addresses
	}
	kittest.Equal(t, list(), []string{"203.0.113.9", "2001:db8::/64", "203.0.113.7"})
	res, err := h.ListBans(ctx, &accessv1.ListBansRequest{})
	kittest.NoError(t, err)
	want := &accessv1.Ban{Address: "203.0.113.7", CreateTime: timestamppb.New(now), ExpireTime: timestamppb.New(now.Add(time.Hour))}
	if got := res.GetBans()[2]; !proto.Equal(got, want) {
		t.Errorf("the ban is %v, want %v", got, want)
	}

	for _, address := range []string{"::ffff:203.0.113.9", "2001:db8::/64"} { // as a list names it
		_, err := h.LiftBan(ctx, &accessv1.LiftBanRequest{Address: address})
		kittest.NoError(t, err)
	}
	kittest.Equal(t, list(), []string{"203.0.113.7"})
	_, err = h.LiftBan(ctx, &accessv1.LiftBanRequest{Address: "203.0.113.9"})
	kittest.Error(t, err, fault.ErrNotFound, "203.0.113.9 is not banned")
	_, err = h.LiftBan(ctx, &accessv1.LiftBanRequest{Address: "203.0.113"})
	kittest.Error(t, err, fault.ErrInvalid, "address: ")
}

func TestNoAccess(t *testing.T) {
	h := edge.AccessHandler{AccessServiceClient: edge.NoAccess{}, Bans: banList{}}
	for _, err := range []error{
		kittest.ErrorOf(h.CreateKey(t.Context(), &accessv1.CreateKeyRequest{})),
		kittest.ErrorOf(h.ListKeys(t.Context(), &accessv1.ListKeysRequest{})),
		kittest.ErrorOf(h.RevokeKey(t.Context(), &accessv1.RevokeKeyRequest{})),
		kittest.ErrorOf(h.ListAuditEntries(t.Context(), &accessv1.ListAuditEntriesRequest{})),
	} {
		kittest.Error(t, err, fault.ErrUnavailable, "--access-service-url")
	}
}
