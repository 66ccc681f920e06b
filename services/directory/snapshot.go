package directory

import "context"

// SnapshotStore reads and changes the directory as a whole.
type SnapshotStore interface {
	// Snapshot returns a snapshot: users by id with their addresses by id, groups by id with
	// their members by id.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Apply calls plan with a snapshot and applies the changes that it returns, in one
	// transaction that is serialized with all other changes. plan may be called more
	// than once. If it returns an error, nothing is changed and Apply returns that
	// error.
	Apply(ctx context.Context, plan func(Snapshot) (Changes, error)) error
}

// Changes is an import plan. Everything that it deletes, sets or joins exists in the
// directory; nothing that it adds does.
type Changes struct {
	AddUsers        []User // with their addresses
	SetUsers        []User // only their failover and quiet hours, by id
	DeleteUsers     []string
	AddAddresses    []Recipient
	SetAddresses    []Address // all fields, by id
	RemoveAddresses []int
	AddGroups       []Membership
	DeleteGroups    []string
	AddMembers      []Member // of existing groups
	RemoveMembers   []Member
}

// A Member is the membership of one user in one group.
type Member struct{ Group, Nickname string }
