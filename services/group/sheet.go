package group

// A Sheet is what a file says of people, to be imported.
type Sheet struct {
	Users  []SheetUser
	Groups []SheetGroup
	// Prune deletes what the sheet does not hold.
	Prune bool
}

// A SheetUser is a user of a sheet.
type SheetUser struct {
	Place     Place
	Nickname  string // in its canonical form
	Written   string // Nickname as the sheet has it
	Failover  *bool  // nil where the sheet does not say
	Addresses []SheetAddress
	Bad       bool // a problem of it is told already
}

// A SheetAddress is an address of a sheet.
type SheetAddress struct {
	Place      Place
	Address    Address // without ID and credential; of SameRank where the sheet does not say
	Credential string  // in the clear; empty where the sheet does not say
	Sealed     []byte  // as it left in an export, in place of Credential
}

// A SheetGroup is a group of a sheet.
type SheetGroup struct {
	Place   Place
	Name    string
	Members []string
	Bad     bool // a problem of it is told already
}

// sameSaid says whether a sheet says of an address what it is, but for the
// credential.
func (a Address) sameSaid(said Address) bool {
	return a.Destination == said.Destination && (said.Rank == SameRank || a.Rank == said.Rank)
}

// as is the address with what a sheet says of it, but for the credential.
func (a Address) as(said Address) Address {
	a.Destination = said.Destination
	if said.Rank != SameRank {
		a.Rank = said.Rank
	}
	return a
}
