package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/directory"
)

func testGroups(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	none, err := d.Groups(ctx, 0, 0, "")
	kittest.NoError(t, err)
	kittest.Equal(t, len(none), 0)

	a, err := d.AddGroup(ctx, "ops")
	kittest.NoError(t, err)
	b, err := d.AddGroup(ctx, "dev")
	kittest.NoError(t, err)
	kittest.Equal(t, []directory.Group{a, b}, []directory.Group{{ID: 1, Name: "ops"}, {ID: 2, Name: "dev"}})

	_, err = d.AddGroup(ctx, "ops")
	kittest.Error(t, err, fault.ErrExists, `group "ops"`)
	_, err = d.RenameGroup(ctx, 1, "dev")
	kittest.Error(t, err, fault.ErrExists, `group "dev"`)
	_, err = d.RenameGroup(ctx, 99, "dev")
	kittest.Error(t, err, fault.ErrNotFound, "group 99")
	kept, err := d.RenameGroup(ctx, 1, "ops")
	kittest.NoError(t, err)
	kittest.Equal(t, kept, directory.Group{ID: 1, Name: "ops"})
	renamed, err := d.RenameGroup(ctx, 1, "night")
	kittest.NoError(t, err)
	kittest.Equal(t, renamed, directory.Group{ID: 1, Name: "night"})
	got, err := d.Group(ctx, 1)
	kittest.NoError(t, err)
	kittest.Equal(t, got, renamed)

	kittest.NoError(t, d.DeleteGroup(ctx, 1))
	kittest.Error(t, d.DeleteGroup(ctx, 1), fault.ErrNotFound, "group 1")
	_, err = d.Group(ctx, 1)
	kittest.Error(t, err, fault.ErrNotFound, "group 1")
	_, _, err = d.Members(ctx, 1)
	kittest.Error(t, err, fault.ErrNotFound, "group 1")
	left, err := d.Groups(ctx, 0, 0, "")
	kittest.NoError(t, err)
	kittest.Equal(t, left, []directory.Group{{ID: 2, Name: "dev"}})
}

func testGroupPages(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	var all []directory.Group
	for i := range 7 {
		g, err := d.AddGroup(ctx, fmt.Sprintf("g%d", 9-i)) // sorted by id, not by name
		kittest.NoError(t, err)
		all = append(all, g)
	}
	got, err := d.Groups(ctx, 0, 0, "")
	kittest.NoError(t, err)
	kittest.Equal(t, got, all)
	got, err = d.Groups(ctx, 2, 3, "")
	kittest.NoError(t, err)
	kittest.Equal(t, got, all[2:5])
	got, err = d.Groups(ctx, 7, 3, "")
	kittest.NoError(t, err)
	kittest.Equal(t, len(got), 0)
	got, err = d.Groups(ctx, 0, 10, "g5")
	kittest.NoError(t, err)
	kittest.Equal(t, got, all[4:5])
	got, err = d.Groups(ctx, 5, 10, "g5")
	kittest.NoError(t, err)
	kittest.Equal(t, len(got), 0)
}

// testGroupNames checks that names are compared exactly, and that characters special to SQL or to
// templates have no effect.
func testGroupNames(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	names := []string{"Ops", "ops", "OPS", "ópš", "운영", "a%", "a_", "x'; DROP TABLE groups; --", `"`, "{{.}}", "$1", "?"}
	for _, name := range names {
		_, err := d.AddGroup(ctx, name)
		kittest.NoError(t, err)
	}
	for i, name := range names {
		got, err := d.Groups(ctx, 0, 0, name)
		kittest.NoError(t, err)
		kittest.Equal(t, got, []directory.Group{{ID: i + 1, Name: name}})
	}
}

func testMembers(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	for _, name := range []string{"c", "a", "b"} {
		_, err := d.AddUser(ctx, directory.User{Nickname: name, Addresses: []directory.Address{slack(name)}})
		kittest.NoError(t, err)
	}
	ops, err := d.AddGroup(ctx, "ops")
	kittest.NoError(t, err)
	dev, err := d.AddGroup(ctx, "dev")
	kittest.NoError(t, err)
	for _, name := range []string{"b", "c", "b", "a"} {
		kittest.NoError(t, d.AddMember(ctx, ops.ID, name))
	}
	kittest.NoError(t, d.AddMember(ctx, dev.ID, "b"))

	g, members, err := d.Members(ctx, ops.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, g, ops)
	kittest.Equal(t, members, []directory.User{{ID: 1, Nickname: "c"}, {ID: 2, Nickname: "a"}, {ID: 3, Nickname: "b"}})

	kittest.Error(t, d.AddMember(ctx, 99, "a"), fault.ErrNotFound, "group 99")
	kittest.Error(t, d.AddMember(ctx, ops.ID, "A"), fault.ErrNotFound, `user "A"`)
	kittest.Error(t, d.RemoveMember(ctx, 99, "a"), fault.ErrNotFound, "group 99")
	kittest.Error(t, d.RemoveMember(ctx, dev.ID, "a"), fault.ErrNotFound, `user "a"`)
	kittest.Error(t, d.RemoveMember(ctx, dev.ID, "nobody"), fault.ErrNotFound, `user "nobody"`)
	kittest.NoError(t, d.RemoveMember(ctx, ops.ID, "c"))
	kittest.Error(t, d.RemoveMember(ctx, ops.ID, "c"), fault.ErrNotFound, `user "c"`)
	kittest.NoError(t, d.DeleteUser(ctx, "a"))
	_, members, err = d.Members(ctx, ops.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, members, []directory.User{{ID: 3, Nickname: "b"}})

	kittest.NoError(t, d.DeleteGroup(ctx, ops.ID))
	_, err = d.User(ctx, "b")
	kittest.NoError(t, err)
	_, members, err = d.Members(ctx, dev.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, members, []directory.User{{ID: 3, Nickname: "b"}})
}

func testOneName(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	const many = 50
	kittest.OneWinner(t, kittest.Concurrently(many, func(int) error { _, err := d.AddGroup(ctx, "ops"); return err }))
	kittest.OneWinner(t, kittest.Concurrently(many, func(int) error { _, err := d.AddUser(ctx, directory.User{Nickname: "kim"}); return err }))
	kittest.OneWinner(t, kittest.Concurrently(many, func(int) error { _, err := d.AddAddress(ctx, "kim", slack("kim")); return err }))
	for _, err := range kittest.Concurrently(many, func(int) error { return d.AddMember(ctx, 1, "kim") }) {
		if err != nil { // the id of the group is 1 only if the first call created it
			kittest.Error(t, err, fault.ErrNotFound)
		}
	}
	groups, err := d.Groups(ctx, 0, 0, "")
	kittest.NoError(t, err)
	kittest.Equal(t, len(groups), 1)
	users, err := d.Users(ctx, 0, 0)
	kittest.NoError(t, err)
	kittest.Equal(t, len(users), 1)
	kittest.Equal(t, len(users[0].Addresses), 1)
}

// testDeletedWhileJoined checks that a concurrent deletion of the group or the user makes adding the
// member fail as not found, and that no membership outlives its group.
func testDeletedWhileJoined(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	for i := range 20 {
		name := fmt.Sprintf("user%d", i)
		g, err := d.AddGroup(ctx, "ops")
		kittest.NoError(t, err)
		_, err = d.AddUser(ctx, directory.User{Nickname: name})
		kittest.NoError(t, err)
		for n, err := range kittest.Concurrently(3, func(n int) error {
			switch n {
			case 0:
				return d.DeleteGroup(ctx, g.ID)
			case 1:
				return d.DeleteUser(ctx, name)
			default:
				return d.AddMember(ctx, g.ID, name)
			}
		}) {
			if err != nil && (n < 2 || !errors.Is(err, fault.ErrNotFound)) {
				t.Fatal(n, err)
			}
		}
	}
}

func testDirectoryIDs(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	for last, round := 0, 0; round < 3; round++ {
		g, err := d.AddGroup(ctx, "ops")
		kittest.NoError(t, err)
		u, err := d.AddUser(ctx, directory.User{Nickname: "kim"})
		kittest.NoError(t, err)
		a, err := d.AddAddress(ctx, "kim", slack("kim"))
		kittest.NoError(t, err)
		for _, id := range []int{g.ID, u.ID, a.ID} {
			if id != last+1 {
				t.Errorf("id %d after %d, want the next", id, last)
			}
		}
		last++
		kittest.NoError(t, d.DeleteGroup(ctx, g.ID))
		kittest.NoError(t, d.DeleteUser(ctx, "kim"))
	}
}
