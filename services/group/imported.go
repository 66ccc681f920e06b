package group

// An Import is the result of an import.
type Import struct {
	Users, Addresses, Groups, Members Tally
	Done                              []Done // the first maxDone
}

// A Tally counts the users, addresses, groups or members of an import by action.
type Tally struct{ Created, Changed, Unchanged, Deleted int }

// A Done is one action on a user, address, group or membership. The fields that are set
// identify it: Nickname; Nickname and Messenger; Group; Group and Nickname.
type Done struct {
	Action                     Action
	Nickname, Messenger, Group string
}

// Action is the kind of a change.
type Action int

// The actions.
const (
	Created Action = iota + 1
	Changed
	Deleted
)

// maxDone is the number of actions that a result lists.
const maxDone = 1000

// note counts an action, and lists it unless the list is full.
func (i *Import) note(count *int, d Done) {
	*count++
	if len(i.Done) < maxDone {
		i.Done = append(i.Done, d)
	}
}
