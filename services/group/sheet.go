package group

// A Sheet is an import file.
type Sheet struct {
	Users  []SheetUser
	Groups []SheetGroup
	// Prune deletes the users, addresses, groups and members that the file does not
	// hold.
	Prune bool
}

// A SheetUser is a user of an import file.
type SheetUser struct {
	Place     Place
	Nickname  string // in canonical form
	Written   string // Nickname as in the file
	Failover  *bool  // nil if the file does not set it
	Addresses []SheetAddress
	Bad       bool // a problem of it is recorded already
}

// A SheetAddress is an address of an import file.
type SheetAddress struct {
	Place      Place
	Address    Address // without ID and credential; SameRank if the file sets no rank
	Credential string  // in the clear; empty if the file does not set it
	Sealed     []byte  // as exported, in place of Credential
}

// A SheetGroup is a group of an import file.
type SheetGroup struct {
	Place   Place
	Name    string
	Members []string
	Bad     bool // a problem of it is recorded already
}

// sameSaid reports whether an address is equal to that of an import file, apart from
// the credential.
func (a Address) sameSaid(said Address) bool {
	return a.Destination == said.Destination && (said.Rank == SameRank || a.Rank == said.Rank)
}

// as returns the address updated from an import file, apart from the credential.
func (a Address) as(said Address) Address {
	a.Destination = said.Destination
	if said.Rank != SameRank {
		a.Rank = said.Rank
	}
	return a
}
