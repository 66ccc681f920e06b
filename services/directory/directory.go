// Package directory is the directory service: it stores users, groups, memberships and
// addresses.
package directory

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/internal/target"
)

// A Group is a named set of users.
type Group struct {
	ID   int
	Name string
}

// A User is a person who can be notified.
type User struct {
	ID        int
	Nickname  string
	Failover  bool      // the addresses form a failover chain by rank; otherwise all are used
	Addresses []Address // by id; at most one for each messenger
	// QuietHours hold back less urgent alerts; nil for none. They must not be changed.
	QuietHours *quiethours.Hours
}

// A UserChange is a partial update of a user. Nil fields stay unchanged.
type UserChange struct {
	Nickname   *string
	Failover   *bool
	QuietHours **quiethours.Hours // if set, replaces those of the user: by none if it points to nil
	// Reseal is required if Nickname is set.
	Reseal ResealFunc
}

// A ResealFunc returns the new SealedCredential of an address whose owner changes: by
// another nickname of its user, or another destination. r is the address before the
// change. It is called within the transaction of the change, possibly more than once.
type ResealFunc func(r Recipient) ([]byte, error)

// An Address is a user's messenger, credential and destination.
type Address struct {
	ID                    int
	Messenger             string
	SealedCredential      []byte // sealed by kit/seal for the owner of the address
	CredentialFingerprint string // the credential fingerprint; empty until FillFingerprints has computed it
	Destination           string
	Rank                  int // from 0 to 1000, lower first; equal ranks are ordered by id
}

// KeepRank is the rank in a replacement of an address that keeps its current rank.
const KeepRank = -1

// A Recipient is one user and one of the user's addresses, as a lookup returns it.
type Recipient struct {
	Nickname string
	Failover bool // of the user
	Address  Address
	// QuietHours are those of the user in the result of Find; nil for none. They must not be
	// changed.
	QuietHours *quiethours.Hours
}

// A Directory stores groups, users and addresses. Names are unique among groups and
// among users, and compared exactly. Ids count from 1 and are never reused. Every
// method is one transaction. Values that cannot be stored, such as a name that is too
// long, are fault.ErrInvalid.
//
// A Directory is safe for concurrent use.
type Directory interface {
	Groups
	Users
	Lookup
	NameStore
	FingerprintStore
	SealStore
	SnapshotStore

	// Fill stores contents in a directory without users and groups, and reports whether
	// it did. Ids are assigned in order, from 1 if the directory never held any.
	Fill(ctx context.Context, snapshot Snapshot) (bool, error)
}

// Groups stores groups and memberships.
type Groups interface {
	// Groups returns groups by id: those with an id above after, at most limit of them,
	// and only the group with that name if name is not empty. A limit of 0 returns all.
	Groups(ctx context.Context, after, limit int, name string) ([]Group, error)
	// Group must return fault.ErrNotFound if no group has the id.
	Group(ctx context.Context, id int) (Group, error)
	// AddGroup must return fault.ErrExists if the name is taken.
	AddGroup(ctx context.Context, name string) (Group, error)
	// RenameGroup must return fault.ErrNotFound if no group has the id, and
	// fault.ErrExists if another group has the name. Renaming a group to its current
	// name is no error.
	RenameGroup(ctx context.Context, id int, name string) (Group, error)
	// DeleteGroup deletes the group and its memberships, but no users. It must return
	// fault.ErrNotFound if no group has the id.
	DeleteGroup(ctx context.Context, id int) error
	// Members returns the group and its users by id, without addresses. It must return
	// fault.ErrNotFound if no group has the id.
	Members(ctx context.Context, id int) (Group, []User, error)
	// AddMember must return fault.ErrNotFound if the group or the user does not exist;
	// the error names the missing one. Adding a member again is no error.
	AddMember(ctx context.Context, id int, nickname string) error
	// RemoveMember must return fault.ErrNotFound if the group does not exist or the
	// user is no member of it; the error names the missing one.
	RemoveMember(ctx context.Context, id int, nickname string) error
}

// Users stores users and their addresses.
type Users interface {
	// Users returns users by id: those with an id above after, at most limit of them. A
	// limit of 0 returns all.
	Users(ctx context.Context, after, limit int) ([]User, error)
	// User must return fault.ErrNotFound if no user has the nickname.
	User(ctx context.Context, nickname string) (User, error)
	// AddUser stores a user with addresses, whose ids are ignored. It must return
	// fault.ErrExists if the nickname is taken or two addresses have the same
	// messenger; the error names the duplicate.
	AddUser(ctx context.Context, u User) (User, error)
	// ChangeUser must return fault.ErrNotFound if no user has the nickname, and
	// fault.ErrExists if another user has the new one.
	ChangeUser(ctx context.Context, nickname string, c UserChange) (User, error)
	// DeleteUser deletes the user with their addresses and memberships. It must return
	// fault.ErrNotFound if no user has the nickname.
	DeleteUser(ctx context.Context, nickname string) error
	// AddAddress must return fault.ErrNotFound if no user has the nickname, and
	// fault.ErrExists if the user has an address of that messenger.
	AddAddress(ctx context.Context, nickname string, a Address) (Address, error)
	// ReplaceAddress overwrites the address with a.ID; a rank of KeepRank keeps the
	// current rank. It must return fault.ErrNotFound if no user has the nickname or the
	// user has no such address, and fault.ErrExists if another address of the user has
	// that messenger.
	ReplaceAddress(ctx context.Context, nickname string, a Address) (Address, error)
	// RemoveAddress must return fault.ErrNotFound if no user has the nickname or the
	// user has no such address.
	RemoveAddress(ctx context.Context, nickname string, id int) error
}

// A Lookup resolves targets.
type Lookup interface {
	// Find returns the addresses of all targets, deduplicated by user and messenger, in
	// the order of the targets; within a group and for All by user id, within a user by
	// rank and then by address id. unknown lists the targets that name no user and no
	// group, in order and without duplicates; a group without members, a user without
	// addresses and All are never unknown. It must see all writes that any process
	// committed before the call, and use a bounded number of statements, whatever the
	// number of targets.
	Find(ctx context.Context, targets []target.Target) (found []Recipient, unknown []target.Target, err error)
	// MoveAddresses replaces the destination from by to in all addresses of the
	// messenger with this credential fingerprint. It stores the credentials that reseal
	// returns, and returns the number of changed addresses.
	MoveAddresses(ctx context.Context, messenger, credentialKey, from, to string, reseal ResealFunc) (int, error)
}

// Snapshot is a snapshot of a directory, by name.
type Snapshot struct {
	Users  []User // ids are ignored
	Groups []Membership
}

// A Membership is a group with the nicknames of its members.
type Membership struct {
	Group   string
	Members []string
}
