package group

import (
	"errors"
	"fmt"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/seal"
)

// An Importer makes a directory hold what a sheet says.
type Importer struct {
	Key   *seal.Key
	Specs []messenger.Spec
	HTTP  bool // URLs may be http
	// Accept checks a new address and seals its credential. Its error begins with
	// the field's name.
	Accept func(of seal.Owner, credential string) (Address, error)
}

// Plan says what must change so that a directory that holds have holds what the
// sheet says, and what that comes to. Where have is so already there are no
// Changes. It returns fault.ErrInvalid with all that is wrong with the sheet.
func (i Importer) Plan(have Contents, s Sheet, told problems) (Changes, Import, error) {
	p := &planner{Importer: i, sheet: s, problems: told, users: map[string]*User{}, groups: map[string]*Membership{}}
	for n := range have.Users {
		p.users[have.Users[n].Nickname] = &have.Users[n]
	}
	for n := range have.Groups {
		p.groups[have.Groups[n].Group] = &have.Groups[n]
	}
	said := p.planUsers()
	p.planGroups(said, have)
	if s.Prune {
		p.prune(said, have)
	}
	return p.changes, p.done, p.problems.err()
}

// A planner is a plan in the making.
type planner struct {
	Importer
	sheet    Sheet
	users    map[string]*User // that are there, by nickname
	groups   map[string]*Membership
	changes  Changes
	done     Import
	problems problems
}

// planUsers plans the users of the sheet, and gives their nicknames.
func (p *planner) planUsers() map[string]bool {
	said := make(map[string]bool, len(p.sheet.Users))
	for _, u := range p.sheet.Users {
		if said[u.Nickname] {
			p.problems.addf(u.Place, "nick_name: %w", errTwice)
			continue
		}
		said[u.Nickname] = true
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
			p.done.note(&p.done.Users.Created, Done{Action: Created, Nickname: u.Nickname})
			failover := u.Failover != nil && *u.Failover
			p.changes.AddUsers = append(p.changes.AddUsers, User{Nickname: u.Nickname, Failover: failover, Addresses: p.newAddresses(u)})
		}
	}
	return said
}

// newAddresses gives the addresses of a user who is not there yet.
func (p *planner) newAddresses(u SheetUser) []Address {
	addresses := make([]Address, 0, len(u.Addresses))
	p.eachAddress(u, func(said SheetAddress, credential string) error {
		a, err := p.accept(u.Nickname, said, credential)
		addresses = append(addresses, a)
		p.done.note(&p.done.Addresses.Created, Done{Action: Created, Nickname: u.Nickname, Messenger: said.Address.Messenger})
		return err
	})
	return addresses
}

// changeUser plans a user who is there.
func (p *planner) changeUser(u SheetUser, has User) {
	if u.Failover != nil && *u.Failover != has.Failover {
		p.changes.SetUsers = append(p.changes.SetUsers, User{ID: has.ID, Failover: *u.Failover})
		p.done.note(&p.done.Users.Changed, Done{Action: Changed, Nickname: u.Nickname})
	} else {
		p.done.Users.Unchanged++
	}
	p.changeAddresses(u, has)
}

// changeAddresses plans the addresses of a user who is there.
func (p *planner) changeAddresses(u SheetUser, has User) {
	byMessenger := make(map[string]Address, len(has.Addresses))
	for _, a := range has.Addresses {
		byMessenger[a.Messenger] = a
	}
	p.eachAddress(u, func(said SheetAddress, credential string) error {
		done := Done{Action: Changed, Nickname: u.Nickname, Messenger: said.Address.Messenger}
		old, is := byMessenger[said.Address.Messenger]
		delete(byMessenger, said.Address.Messenger)
		if !is {
			a, err := p.accept(u.Nickname, said, credential)
			p.changes.AddAddresses = append(p.changes.AddAddresses, Recipient{Nickname: u.Nickname, Address: a})
			done.Action = Created
			p.done.note(&p.done.Addresses.Created, done)
			return err
		}
		a, changed, err := p.change(Recipient{Nickname: u.Nickname, Address: old}, said, credential)
		if !changed || err != nil {
			p.done.Addresses.Unchanged++
			return err
		}
		p.changes.SetAddresses = append(p.changes.SetAddresses, a)
		p.done.note(&p.done.Addresses.Changed, done)
		return nil
	})
	if !p.sheet.Prune {
		return
	}
	for _, a := range has.Addresses { // in their order
		if _, left := byMessenger[a.Messenger]; left {
			p.changes.RemoveAddresses = append(p.changes.RemoveAddresses, a.ID)
			p.done.note(&p.done.Addresses.Deleted, Done{Action: Deleted, Nickname: u.Nickname, Messenger: a.Messenger})
		}
	}
}

// eachAddress gives do each address of a user with its credential in the clear,
// and tells what is wrong.
func (p *planner) eachAddress(u SheetUser, do func(said SheetAddress, credential string) error) {
	seen := make(map[string]bool, len(u.Addresses))
	for _, a := range u.Addresses {
		credential, err := a.Credential, error(nil)
		switch {
		case seen[a.Address.Messenger]:
			err = fmt.Errorf("messenger: a user has one address by %s: %w", a.Address.Messenger, errTwice)
		case len(a.Sealed) > 0 && credential != "":
			err = fmt.Errorf("credential: say it once, in the clear or sealed")
		case len(a.Sealed) > 0:
			credential, err = p.open(u, a)
			if err != nil {
				err = fmt.Errorf("sealed_credential: it was sealed under another seal key, for another user, messenger or destination, or it is damaged: give the credential in the clear")
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

// open returns the credential of an address as it left in an export, which was sealed for
// the nickname as it was then.
func (p *planner) open(u SheetUser, a SheetAddress) (string, error) {
	credential, err := p.Key.Open(a.Sealed, seal.ExportPurpose(u.Nickname, a.Address.Messenger, a.Address.Destination))
	if err != nil && u.Written != u.Nickname {
		return p.Key.Open(a.Sealed, seal.ExportPurpose(u.Written, a.Address.Messenger, a.Address.Destination))
	}
	return credential, err
}

// accept returns a new address of a user.
func (p *planner) accept(nickname string, said SheetAddress, credential string) (Address, error) {
	a, err := p.Accept(seal.Owner{Nickname: nickname, Messenger: said.Address.Messenger, Destination: said.Address.Destination}, credential)
	return a.as(said.Address), err
}

// change gives an address that is there as the sheet says it, and whether that is
// otherwise. Without a credential it keeps the one it has, unless that would go
// somewhere else.
func (p *planner) change(has Recipient, said SheetAddress, credential string) (a Address, changed bool, err error) {
	old := has.Address
	if credential != "" {
		if known, err := p.Key.OpenFor(old.SealedCredential, has.owner()); err == nil && known == credential && old.sameSaid(said.Address) {
			return old, false, nil
		}
		a, err = p.accept(has.Nickname, said, credential)
		a.ID, a.Rank = old.ID, old.Rank
		return a.as(said.Address), true, err
	}
	if old.sameSaid(said.Address) {
		return old, false, nil
	}
	if old.Destination != said.Address.Destination {
		spec, ok := messenger.Find(p.Specs, old.Messenger)
		if !ok {
			return old, false, fmt.Errorf("messenger: %q is none of those that ListMessengers names", old.Messenger)
		}
		if spec.Destination.URL {
			return old, false, fmt.Errorf("credential: the destination is where it goes, and is another now: give it anew")
		}
		if err := spec.Destination.Accept(said.Address.Destination, p.HTTP); err != nil {
			return old, false, fmt.Errorf("destination: %w", err)
		}
		to := has.owner()
		to.Destination = said.Address.Destination
		if old.SealedCredential, err = resealFor(p.Key, has, to); err != nil {
			return old, false, errors.New("credential: the one that is there cannot be opened, and the destination is another now: give it anew")
		}
	}
	return old.as(said.Address), true, nil
}

// planGroups plans the groups of the sheet.
func (p *planner) planGroups(users map[string]bool, have Contents) {
	seen := make(map[string]bool, len(p.sheet.Groups))
	for _, g := range p.sheet.Groups {
		if seen[g.Name] {
			p.problems.addf(g.Place, "group_name: %w", errTwice)
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
			p.done.note(&p.done.Groups.Created, Done{Action: Created, Group: g.Name})
			p.changes.AddGroups = append(p.changes.AddGroups, Membership{Group: g.Name, Members: members})
			for _, m := range members {
				p.done.note(&p.done.Members.Created, Done{Action: Created, Group: g.Name, Nickname: m})
			}
			continue
		}
		p.done.Groups.Unchanged++
		p.changeMembers(*has, members)
	}
	if p.sheet.Prune {
		for _, g := range have.Groups {
			if !seen[g.Group] {
				p.changes.DeleteGroups = append(p.changes.DeleteGroups, g.Group)
				p.done.note(&p.done.Groups.Deleted, Done{Action: Deleted, Group: g.Group})
				p.done.Members.Deleted += len(g.Members)
			}
		}
	}
}

// members gives the members of a group of the sheet, each once, and tells who is
// not there.
func (p *planner) members(g SheetGroup, users map[string]bool) []string {
	members, seen := make([]string, 0, len(g.Members)), make(map[string]bool, len(g.Members))
	for _, m := range g.Members {
		switch {
		case seen[m]:
			continue
		case !users[m] && p.users[m] == nil:
			p.problems.addf(g.Place, "members: nobody is called %q", m)
		case !users[m] && p.sheet.Prune:
			p.problems.addf(g.Place, "members: %q is not among the users of the file, and prune deletes whoever is not", m)
		}
		seen[m] = true
		members = append(members, m)
	}
	return members
}

// changeMembers plans the members of a group that is there.
func (p *planner) changeMembers(has Membership, said []string) {
	left := make(map[string]bool, len(has.Members))
	for _, m := range has.Members {
		left[m] = true
	}
	for _, m := range said {
		if left[m] {
			p.done.Members.Unchanged++
			delete(left, m)
			continue
		}
		p.changes.AddMembers = append(p.changes.AddMembers, Member{has.Group, m})
		p.done.note(&p.done.Members.Created, Done{Action: Created, Group: has.Group, Nickname: m})
	}
	if !p.sheet.Prune {
		return
	}
	for _, m := range has.Members { // in their order
		if left[m] {
			p.changes.RemoveMembers = append(p.changes.RemoveMembers, Member{has.Group, m})
			p.done.note(&p.done.Members.Deleted, Done{Action: Deleted, Group: has.Group, Nickname: m})
		}
	}
}

// prune plans the end of the users who are not in the sheet.
func (p *planner) prune(said map[string]bool, have Contents) {
	if len(p.sheet.Users) == 0 {
		p.problems.addf(Place{List: "users", Index: -1}, "prune would delete all users, for there are none here")
		return
	}
	for _, u := range have.Users {
		if !said[u.Nickname] {
			p.changes.DeleteUsers = append(p.changes.DeleteUsers, u.Nickname)
			p.done.note(&p.done.Users.Deleted, Done{Action: Deleted, Nickname: u.Nickname})
			p.done.Addresses.Deleted += len(u.Addresses)
		}
	}
}
