package directory

import "github.com/bongsu-project/bongsu/internal/quiethours"

// An ImportFile is an import file.
type ImportFile struct {
	Users  []ImportUser
	Groups []ImportGroup
	// Prune deletes the users, addresses, groups and members that the file does not
	// hold.
	Prune bool
}

// An ImportUser is a user of an import file.
type ImportUser struct {
	Place             FilePosition
	Nickname          string             // in canonical form
	NicknameAsWritten string             // Nickname as in the file
	Failover          *bool              // nil if the file does not set it
	QuietHours        **quiethours.Hours // nil if the file does not set them; points to nil if it sets none
	Addresses         []ImportAddress
	Bad               bool // a problem of it is recorded already
}

// An ImportAddress is an address of an import file.
type ImportAddress struct {
	Place      FilePosition
	Address    Address // without ID and credential; KeepRank if the file sets no rank
	Credential string  // in the clear; empty if the file does not set it
	Sealed     []byte  // as exported, in place of Credential
}

// An ImportGroup is a group of an import file.
type ImportGroup struct {
	Place   FilePosition
	Name    string
	Members []string
	Bad     bool // a problem of it is recorded already
}

// equalsImport reports whether an address is equal to that of an import file, apart from
// the credential.
func (a Address) equalsImport(in Address) bool {
	return a.Destination == in.Destination && (in.Rank == KeepRank || a.Rank == in.Rank)
}

// withImport returns the address updated from an import file, apart from the credential.
func (a Address) withImport(in Address) Address {
	a.Destination = in.Destination
	if in.Rank != KeepRank {
		a.Rank = in.Rank
	}
	return a
}
