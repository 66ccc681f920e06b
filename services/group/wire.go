package group

import (
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// Ids fit an int32: the database counts them from 1, one insert at a time. Ranks do
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
	return &userv1.User{Id: int32(u.ID), NickName: u.Nickname, Addresses: addresses, Failover: u.Failover}
}

func addressToWire(a Address) *userv1.Address {
	return &userv1.Address{Id: int32(a.ID), Messenger: a.Messenger, Destination: a.Destination, Rank: int32(a.Rank)}
}
