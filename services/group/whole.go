package group

import "context"

// Whole is the directory as one thing.
type Whole interface {
	// All answers with what the directory holds at one moment: users by id with
	// their addresses by id, groups by id with their members by id.
	All(ctx context.Context) (Contents, error)
	// Change gives plan what All would answer with, and does what plan says, in one
	// transaction that no other change comes between. plan may be called more than
	// once. Where it fails nothing is changed, and its error is returned.
	Change(ctx context.Context, plan func(Contents) (Changes, error)) error
}

// Changes is what is to become of a directory. What it names to be deleted, set or
// joined is there; what it names to be added is not.
type Changes struct {
	AddUsers        []User // with their addresses
	SetUsers        []User // their failover, by id
	DeleteUsers     []string
	AddAddresses    []Recipient
	SetAddresses    []Address // all of them anew, by id
	RemoveAddresses []int
	AddGroups       []Membership
	DeleteGroups    []string
	AddMembers      []Member // of groups that are there
	RemoveMembers   []Member
}

// A Member is one user's membership of one group.
type Member struct{ Group, Nickname string }
