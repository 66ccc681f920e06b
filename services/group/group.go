// Package group is the service that keeps people: users, the groups they belong
// to, and the addresses they are reached by.
package group

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/target"
)

// A Group is a named set of users.
type Group struct {
	ID   int
	Name string
}

// A User is a person who can be told.
type User struct {
	ID        int
	Nickname  string
	Failover  bool      // the addresses are used one after the other, not all
	Addresses []Address // by id; at most one a messenger
}

// A UserChange says what of a user is to change. What is nil stays.
type UserChange struct {
	Nickname *string
	Failover *bool
	// Reseal must be set where Nickname is.
	Reseal Reseal
}

// A Reseal returns the SealedCredential of an address as it is to be after a change of
// what it is sealed for: its user's nickname, or its destination. r is the address as it
// was before. It is called within the transaction that makes the change, maybe more than
// once.
type Reseal func(r Recipient) ([]byte, error)

// An Address is a user's messenger, credential and destination.
type Address struct {
	ID               int
	Messenger        string
	SealedCredential []byte // as internal/seal sealed it for the address's owner
	CredentialKey    string // the credential's fingerprint; empty until FillKeys has made it
	Destination      string
	Rank             int // from 0 to 1000; the lower is used first, of equals that with the lower id
}

// SameRank is the rank of an address that is replaced and keeps the rank it has.
const SameRank = -1

// A Recipient is one address of one user, as a look-up finds it.
type Recipient struct {
	Nickname string
	Failover bool // the user's
	Address  Address
}

// A Directory keeps groups, users and addresses. Names are unique among groups
// and among users, and compared to the letter. Ids count from 1 and are never
// used again. Every method is one transaction: it happens whole or not at all.
// What cannot be kept, such as a name that is too long, is fault.ErrInvalid.
//
// A Directory is safe for concurrent use.
type Directory interface {
	Groups
	Users
	Finder
	Naming
	Keyless
	Sealing
	Whole

	// Fill stores contents where the directory holds no user and no group, and
	// says whether it did. Ids are given in order, from 1 where nothing was ever
	// stored before.
	Fill(ctx context.Context, contents Contents) (bool, error)
}

// Groups keeps groups and memberships.
type Groups interface {
	// Groups answers with groups by id: those after the id after, at most limit
	// of them, and only the one named name where name is not empty. limit 0 asks
	// for all.
	Groups(ctx context.Context, after, limit int, name string) ([]Group, error)
	// Group must return fault.ErrNotFound where no group has the id.
	Group(ctx context.Context, id int) (Group, error)
	// AddGroup must return fault.ErrExists where the name is taken.
	AddGroup(ctx context.Context, name string) (Group, error)
	// RenameGroup must return fault.ErrNotFound where no group has the id, and
	// fault.ErrExists where another group bears the name. To give a group the name
	// it bears is no error.
	RenameGroup(ctx context.Context, id int, name string) (Group, error)
	// DeleteGroup deletes the group and its memberships, no user. It must return
	// fault.ErrNotFound where no group has the id.
	DeleteGroup(ctx context.Context, id int) error
	// Members answers with the group and its users by id, without addresses. It
	// must return fault.ErrNotFound where no group has the id.
	Members(ctx context.Context, id int) (Group, []User, error)
	// AddMember must return fault.ErrNotFound where there is no such group or no
	// such user; the error says which. To add a member again is no error.
	AddMember(ctx context.Context, id int, nickname string) error
	// RemoveMember must return fault.ErrNotFound where there is no such group, or
	// no such user in it; the error says which.
	RemoveMember(ctx context.Context, id int, nickname string) error
}

// Users keeps users and their addresses.
type Users interface {
	// Users answers with users by id: those after the id after, at most limit of
	// them. limit 0 asks for all.
	Users(ctx context.Context, after, limit int) ([]User, error)
	// User must return fault.ErrNotFound where nobody bears the nickname.
	User(ctx context.Context, nickname string) (User, error)
	// AddUser stores a user with addresses, whose ids are not looked at, and must
	// return fault.ErrExists where the nickname is taken or two addresses are of one
	// messenger; the error says which.
	AddUser(ctx context.Context, u User) (User, error)
	// ChangeUser must return fault.ErrNotFound where nobody bears the nickname, and
	// fault.ErrExists where another user bears the new one.
	ChangeUser(ctx context.Context, nickname string, c UserChange) (User, error)
	// DeleteUser deletes the user, their addresses and their memberships. It must
	// return fault.ErrNotFound where nobody bears the nickname.
	DeleteUser(ctx context.Context, nickname string) error
	// AddAddress must return fault.ErrNotFound where nobody bears the nickname, and
	// fault.ErrExists where the user has an address of that messenger.
	AddAddress(ctx context.Context, nickname string, a Address) (Address, error)
	// ReplaceAddress sets all of the address with a.ID anew, but for its rank where
	// that of a is SameRank. It must return
	// fault.ErrNotFound where nobody bears the nickname or the user has no such
	// address, and fault.ErrExists where another address of the user is of that
	// messenger.
	ReplaceAddress(ctx context.Context, nickname string, a Address) (Address, error)
	// RemoveAddress must return fault.ErrNotFound where nobody bears the nickname
	// or the user has no such address.
	RemoveAddress(ctx context.Context, nickname string, id int) error
}

// A Finder finds who is meant.
type Finder interface {
	// Find answers with the addresses behind all targets: each (user, messenger)
	// once, in the order of the targets; within a group and for All by user id,
	// within a user by rank and then by address id. unknown holds the targets that nobody bears, in
	// order, each once; a group without members, a user without addresses and All
	// are never unknown. It must see what was stored before it was called, by any
	// process, and take a bounded number of statements, however many targets there are.
	Find(ctx context.Context, targets []target.Target) (found []Recipient, unknown []target.Target, err error)
	// MoveAddresses gives the addresses of a messenger, under the credential with this
	// fingerprint and to the destination from, the destination to and the credential
	// that reseal returns, and returns how many there were.
	MoveAddresses(ctx context.Context, messenger, credentialKey, from, to string, reseal Reseal) (int, error)
}

// Contents is what a directory holds, by name.
type Contents struct {
	Users  []User // ids are not looked at
	Groups []Membership
}

// A Membership is a group and the nicknames of its members.
type Membership struct {
	Group   string
	Members []string
}
