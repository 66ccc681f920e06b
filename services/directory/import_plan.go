package directory

import (
	"errors"
	"fmt"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// An ImportPlanner plans imports.
type ImportPlanner struct {
	Key       *seal.Keyring
	Specs     []messenger.Spec
	AllowHTTP bool // allow http URLs
	// Accept validates a new address and seals its credential. Its error begins with
	// the name of the field.
	Accept func(of seal.Owner, credential string) (Address, error)
}

// Plan returns the import plan that makes a directory with the contents have hold s,
// and the result of the import. There are no changes if the directory holds it already.
// All problems of the import file are returned as one fault.ErrInvalid.
func (i ImportPlanner) Plan(have Snapshot, f ImportFile, problems importProblems) (Changes, ImportResult, error) {
	p := &importPlan{ImportPlanner: i, file: f, problems: problems, users: map[string]*User{}, groups: map[string]*Membership{}}
	for n := range have.Users {
		p.users[have.Users[n].Nickname] = &have.Users[n]
	}
	for n := range have.Groups {
		p.groups[have.Groups[n].Group] = &have.Groups[n]
	}
	nicknames := p.planUsers()
	p.planGroups(nicknames, have)
	if f.Prune {
		p.prune(nicknames, have)
	}
	return p.changes, p.done, p.problems.err()
}

// An importPlan builds the plan of one import.
type importPlan struct {
	ImportPlanner
	file     ImportFile
	users    map[string]*User // in the directory, by nickname
	groups   map[string]*Membership
	changes  Changes
	done     ImportResult
	problems importProblems
}

// planUsers plans the users of the import file, and returns their nicknames.
func (p *importPlan) planUsers() map[string]bool {
	nicknames := make(map[string]bool, len(p.file.Users))
	for _, u := range p.file.Users {
		if nicknames[u.Nickname] {
			p.problems.addf(u.Place, "nick_name: %w", errDuplicate)
			continue
		}
		nicknames[u.Nickname] = true
		has := p.users[u.Nickname]
		if has == nil && u.Nickname != "" {
			if _, err := newNickname("nick_name", u.Nickname); err != nil {
				p.problems.add(u.Place, err)
				continue
			}
		}
		if u.Bad {
			continue
		}
		if has != nil {
			p.changeUser(u, *has)
		} else {
			p.done.note(&p.done.Users.Created, ImportChange{Action: ActionCreated, Nickname: u.Nickname})
			added := u.withImport(User{Nickname: u.Nickname})
			added.Addresses = p.newAddresses(u)
			p.changes.AddUsers = append(p.changes.AddUsers, added)
		}
	}
	return nicknames
}

// withImport returns a user updated from an import file, apart from the addresses.
func (u ImportUser) withImport(to User) User {
	if u.Failover != nil {
		to.Failover = *u.Failover
	}
	if u.QuietHours != nil {
		to.QuietHours = *u.QuietHours
	}
	return to
}

// newAddresses returns the addresses of a new user.
func (p *importPlan) newAddresses(u ImportUser) []Address {
	addresses := make([]Address, 0, len(u.Addresses))
	p.eachAddress(u, func(in ImportAddress, credential string) error {
		a, err := p.accept(u.Nickname, in, credential)
		addresses = append(addresses, a)
		p.done.note(&p.done.Addresses.Created, ImportChange{Action: ActionCreated, Nickname: u.Nickname, Messenger: in.Address.Messenger})
		return err
	})
	return addresses
}

// changeUser plans the changes of an existing user.
func (p *importPlan) changeUser(u ImportUser, has User) {
	set := u.withImport(User{ID: has.ID, Failover: has.Failover, QuietHours: has.QuietHours})
	if set.Failover != has.Failover || quiethours.Encode(set.QuietHours) != quiethours.Encode(has.QuietHours) {
		p.changes.SetUsers = append(p.changes.SetUsers, set)
		p.done.note(&p.done.Users.Changed, ImportChange{Action: ActionChanged, Nickname: u.Nickname})
	} else {
		p.done.Users.Unchanged++
	}
	p.changeAddresses(u, has)
}

// changeAddresses plans the addresses of an existing user.
func (p *importPlan) changeAddresses(u ImportUser, has User) {
	byMessenger := make(map[string]Address, len(has.Addresses))
	for _, a := range has.Addresses {
		byMessenger[a.Messenger] = a
	}
	p.eachAddress(u, func(in ImportAddress, credential string) error {
		done := ImportChange{Action: ActionChanged, Nickname: u.Nickname, Messenger: in.Address.Messenger}
		old, ok := byMessenger[in.Address.Messenger]
		delete(byMessenger, in.Address.Messenger)
		if !ok {
			a, err := p.accept(u.Nickname, in, credential)
			p.changes.AddAddresses = append(p.changes.AddAddresses, Recipient{Nickname: u.Nickname, Address: a})
			done.Action = ActionCreated
			p.done.note(&p.done.Addresses.Created, done)
			return err
		}
		a, changed, err := p.change(Recipient{Nickname: u.Nickname, Address: old}, in, credential)
		if !changed || err != nil {
			p.done.Addresses.Unchanged++
			return err
		}
		p.changes.SetAddresses = append(p.changes.SetAddresses, a)
		p.done.note(&p.done.Addresses.Changed, done)
		return nil
	})
	if !p.file.Prune {
		return
	}
	for _, a := range has.Addresses { // in order
		if _, left := byMessenger[a.Messenger]; left {
			p.changes.RemoveAddresses = append(p.changes.RemoveAddresses, a.ID)
			p.done.note(&p.done.Addresses.Deleted, ImportChange{Action: ActionDeleted, Nickname: u.Nickname, Messenger: a.Messenger})
		}
	}
}

// eachAddress calls do for each address of a user with its credential in the clear, and
// records the problems.
func (p *importPlan) eachAddress(u ImportUser, do func(in ImportAddress, credential string) error) {
	seen := make(map[string]bool, len(u.Addresses))
	for _, a := range u.Addresses {
		credential, err := a.Credential, error(nil)
		switch {
		case seen[a.Address.Messenger]:
			err = fmt.Errorf("messenger: at most one address by %s: %w", a.Address.Messenger, errDuplicate)
		case len(a.Sealed) > 0 && credential != "":
			err = fmt.Errorf("credential: set only one of credential and sealed_credential")
		case len(a.Sealed) > 0:
			credential, err = p.open(u, a)
			if err != nil {
				err = fmt.Errorf("sealed_credential: sealed under another seal key or for another user, messenger or destination, or damaged; set credential in the clear instead")
			}
		}
		seen[a.Address.Messenger] = true
		if err == nil {
			err = do(a, credential)
		}
		if err != nil {
			p.problems.add(a.Place, err)
		}
	}
}

// open returns the credential of an exported address. It was sealed for the nickname at
// the time of the export, which need not be in canonical form.
func (p *importPlan) open(u ImportUser, a ImportAddress) (string, error) {
	credential, err := p.Key.Open(a.Sealed, seal.ExportPurpose(u.Nickname, a.Address.Messenger, a.Address.Destination))
	if err != nil && u.NicknameAsWritten != u.Nickname {
		return p.Key.Open(a.Sealed, seal.ExportPurpose(u.NicknameAsWritten, a.Address.Messenger, a.Address.Destination))
	}
	return credential, err
}

// accept returns a new address of a user.
func (p *importPlan) accept(nickname string, in ImportAddress, credential string) (Address, error) {
	a, err := p.Accept(seal.Owner{Name: nickname, Service: in.Address.Messenger, Address: in.Address.Destination}, credential)
	return a.withImport(in.Address), err
}

// change returns an existing address updated from the import file, and reports whether
// it differs. Without a credential the stored one is kept, unless it would be sent to
// another URL.
func (p *importPlan) change(has Recipient, in ImportAddress, credential string) (a Address, changed bool, err error) {
	old := has.Address
	if credential != "" {
		if known, err := p.Key.OpenForOwner(old.SealedCredential, has.owner()); err == nil && known == credential && old.equalsImport(in.Address) {
			return old, false, nil
		}
		a, err = p.accept(has.Nickname, in, credential)
		a.ID, a.Rank = old.ID, old.Rank
		return a.withImport(in.Address), true, err
	}
	if old.equalsImport(in.Address) {
		return old, false, nil
	}
	if old.Destination != in.Address.Destination {
		spec, ok := messenger.Find(p.Specs, old.Messenger)
		if !ok {
			return old, false, fmt.Errorf("messenger: unknown messenger %q, use one of ListMessengers", old.Messenger)
		}
		if spec.Destination.URL {
			return old, false, fmt.Errorf("credential: required, because the destination that it is sent to changed")
		}
		if err := spec.Destination.Validate(in.Address.Destination, p.AllowHTTP); err != nil {
			return old, false, fmt.Errorf("destination: %w", err)
		}
		to := has.owner()
		to.Address = in.Address.Destination
		if old.SealedCredential, err = resealFor(p.Key, has, to); err != nil {
			return old, false, errors.New("credential: required, because the destination changed and the stored credential cannot be opened")
		}
	}
	return old.withImport(in.Address), true, nil
}

// planGroups plans the groups of the import file.
func (p *importPlan) planGroups(users map[string]bool, have Snapshot) {
	seen := make(map[string]bool, len(p.file.Groups))
	for _, g := range p.file.Groups {
		if seen[g.Name] {
			p.problems.addf(g.Place, "group_name: %w", errDuplicate)
			continue
		}
		seen[g.Name] = true
		has := p.groups[g.Name]
		if has == nil && g.Name != "" {
			if _, err := newGroupName(g.Name); err != nil {
				p.problems.add(g.Place, err)
				continue
			}
		}
		if g.Bad {
			continue
		}
		members := p.members(g, users)
		if has == nil {
			p.done.note(&p.done.Groups.Created, ImportChange{Action: ActionCreated, Group: g.Name})
			p.changes.AddGroups = append(p.changes.AddGroups, Membership{Group: g.Name, Members: members})
			for _, m := range members {
				p.done.note(&p.done.Members.Created, ImportChange{Action: ActionCreated, Group: g.Name, Nickname: m})
			}
			continue
		}
		p.done.Groups.Unchanged++
		p.changeMembers(*has, members)
	}
	if p.file.Prune {
		for _, g := range have.Groups {
			if !seen[g.Group] {
				p.changes.DeleteGroups = append(p.changes.DeleteGroups, g.Group)
				p.done.note(&p.done.Groups.Deleted, ImportChange{Action: ActionDeleted, Group: g.Group})
				p.done.Members.Deleted += len(g.Members)
			}
		}
	}
}

// members returns the members of a group without duplicates, and records the unknown
// ones as problems.
func (p *importPlan) members(g ImportGroup, users map[string]bool) []string {
	members, seen := make([]string, 0, len(g.Members)), make(map[string]bool, len(g.Members))
	for _, m := range g.Members {
		switch {
		case seen[m]:
			continue
		case !users[m] && p.users[m] == nil:
			p.problems.addf(g.Place, "members: unknown user %q", m)
		case !users[m] && p.file.Prune:
			p.problems.addf(g.Place, "members: user %q is not in the import file and would be pruned", m)
		}
		seen[m] = true
		members = append(members, m)
	}
	return members
}

// changeMembers plans the members of an existing group.
func (p *importPlan) changeMembers(has Membership, members []string) {
	left := make(map[string]bool, len(has.Members))
	for _, m := range has.Members {
		left[m] = true
	}
	for _, m := range members {
		if left[m] {
			p.done.Members.Unchanged++
			delete(left, m)
			continue
		}
		p.changes.AddMembers = append(p.changes.AddMembers, Member{has.Group, m})
		p.done.note(&p.done.Members.Created, ImportChange{Action: ActionCreated, Group: has.Group, Nickname: m})
	}
	if !p.file.Prune {
		return
	}
	for _, m := range has.Members { // in order
		if left[m] {
			p.changes.RemoveMembers = append(p.changes.RemoveMembers, Member{has.Group, m})
			p.done.note(&p.done.Members.Deleted, ImportChange{Action: ActionDeleted, Group: has.Group, Nickname: m})
		}
	}
}

// prune plans the deletion of the users that the import file does not hold.
func (p *importPlan) prune(nicknames map[string]bool, have Snapshot) {
	if len(p.file.Users) == 0 {
		p.problems.addf(FilePosition{List: "users", Index: -1}, "prune would delete all users, because the import file has none")
		return
	}
	for _, u := range have.Users {
		if !nicknames[u.Nickname] {
			p.changes.DeleteUsers = append(p.changes.DeleteUsers, u.Nickname)
			p.done.note(&p.done.Users.Deleted, ImportChange{Action: ActionDeleted, Nickname: u.Nickname})
			p.done.Addresses.Deleted += len(u.Addresses)
		}
	}
}
