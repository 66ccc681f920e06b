package directory

// An ImportResult is the result of an import.
type ImportResult struct {
	Users, Addresses, Groups, Members ImportCounts
	Done                              []ImportChange // the first maxNamedChanges
}

// An ImportCounts counts the users, addresses, groups or members of an import by action.
type ImportCounts struct{ Created, Changed, Unchanged, Deleted int }

// An ImportChange is one action on a user, address, group or membership. The fields that are set
// identify it: Nickname; Nickname and Messenger; Group; Group and Nickname.
type ImportChange struct {
	Action                     ImportAction
	Nickname, Messenger, Group string
}

// ImportAction is the kind of a change.
type ImportAction int

// The actions.
const (
	ActionCreated ImportAction = iota + 1
	ActionChanged
	ActionDeleted
)

// maxNamedChanges is the number of actions that a result lists.
const maxNamedChanges = 1000

// note counts an action, and lists it unless the list is full.
func (i *ImportResult) note(count *int, c ImportChange) {
	*count++
	if len(i.Done) < maxNamedChanges {
		i.Done = append(i.Done, c)
	}
}
