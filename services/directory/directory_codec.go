package directory

import (
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// Ids fit an int32: the database assigns them from 1, one for each insert. Ranks do
// too: none is above 1000.

func groupToWire(g Group) *groupv1.Group {
	return &groupv1.Group{Id: int32(g.ID), GroupName: g.Name}
}

func groupUsersToWire(g Group, users []User) *groupv1.GroupUsers {
	list := make([]*groupv1.GroupUser, 0, len(users))
	for _, u := range users {
		list = append(list, &groupv1.GroupUser{Id: int32(u.ID), NickName: u.Nickname})
	}
	return &groupv1.GroupUsers{Id: int32(g.ID), GroupName: g.Name, UserList: list}
}

func userToWire(u User) *userv1.User {
	addresses := make([]*userv1.Address, 0, len(u.Addresses))
	for _, a := range u.Addresses {
		addresses = append(addresses, addressToWire(a))
	}
	return &userv1.User{Id: int32(u.ID), NickName: u.Nickname, Addresses: addresses, Failover: u.Failover, QuietHours: quiethours.ToWire(u.QuietHours)}
}

func addressToWire(a Address) *userv1.Address {
	return &userv1.Address{Id: int32(a.ID), Messenger: a.Messenger, Destination: a.Destination, Rank: int32(a.Rank)}
}

// quietHoursFromWire converts and validates quiet hours; nil for none.
func quietHoursFromWire(wire *userv1.QuietHours) (*quiethours.Hours, error) {
	hours := quiethours.FromWire(wire)
	if hours == nil {
		return nil, nil
	}
	hours, err := hours.Accept()
	if err != nil {
		return nil, fault.Within("quiet_hours", err)
	}
	return hours, nil
}

func lookupToWire(found []Recipient, unknown []string) *userv1.LookUpResponse {
	res := &userv1.LookUpResponse{Recipients: make([]*userv1.Recipient, 0, len(found)), UnknownTarget: unknown}
	for i := range found {
		r := &found[i]
		res.Recipients = append(res.Recipients, &userv1.Recipient{
			NickName:         r.Nickname,
			Messenger:        r.Address.Messenger,
			Destination:      r.Address.Destination,
			SealedCredential: r.Address.SealedCredential,
			CredentialKey:    r.Address.CredentialFingerprint,
			Failover:         r.Failover,
			QuietHours:       quiethours.ToWire(r.QuietHours),
		})
	}
	return res
}

// transferToWire converts an address without its credential.
func transferToWire(a Address) *userv1.TransferAddress {
	return &userv1.TransferAddress{Messenger: a.Messenger, Destination: a.Destination, Rank: new(int32(a.Rank))}
}

// addressFromTransfer converts an address without its credential.
func addressFromTransfer(a *userv1.TransferAddress) Address {
	rank := KeepRank
	if a.Rank != nil {
		rank = int(a.GetRank())
	}
	return Address{Messenger: a.GetMessenger(), Destination: a.GetDestination(), Rank: rank}
}

func importToWire(i ImportResult) *userv1.ImportDirectoryResponse {
	res := &userv1.ImportDirectoryResponse{
		Users:     tallyToWire(i.Users),
		Addresses: tallyToWire(i.Addresses),
		Groups:    tallyToWire(i.Groups),
		Members:   tallyToWire(i.Members),
	}
	for _, c := range i.Done {
		res.Changes = append(res.Changes, &userv1.ImportChange{
			Action:    userv1.ImportAction(c.Action), // the enum values are equal
			NickName:  c.Nickname,
			Messenger: c.Messenger,
			GroupName: c.Group,
		})
	}
	return res
}

// tallyToWire converts the counts, which fit an int32: an import is far smaller.
func tallyToWire(c ImportCounts) *userv1.ImportCounts {
	return &userv1.ImportCounts{
		CreatedCount:   int32(c.Created),
		ChangedCount:   int32(c.Changed),
		UnchangedCount: int32(c.Unchanged),
		DeletedCount:   int32(c.Deleted),
	}
}
