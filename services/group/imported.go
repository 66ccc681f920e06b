package group

// An Import is what an import came to.
type Import struct {
	Users, Addresses, Groups, Members Tally
	Done                              []Done // the first maxDone
}

// A Tally counts what became of things of one kind.
type Tally struct{ Created, Changed, Unchanged, Deleted int }

// A Done is what was done to one user, address, group or membership, by the fields
// that are set: Nickname; Nickname and Messenger; Group; Group and Nickname.
type Done struct {
	Action                     Action
	Nickname, Messenger, Group string
}

// Action is what is done to one thing.
type Action int

// The actions.
const (
	Created Action = iota + 1
	Changed
	Deleted
)

// maxDone is how much of what is done is told one by one.
const maxDone = 1000

// note counts something, and tells it while there is room.
func (i *Import) note(count *int, d Done) {
	*count++
	if len(i.Done) < maxDone {
		i.Done = append(i.Done, d)
	}
}
