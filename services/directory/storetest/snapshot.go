package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/directory"
)

// all returns the snapshot of a directory.
func all(t testing.TB, d directory.Directory) directory.Snapshot {
	t.Helper()
	s, err := d.Snapshot(t.Context())
	kittest.NoError(t, err)
	return s
}

// changed applies changes, whatever the directory contains.
func changed(t testing.TB, d directory.Directory, c directory.Changes) {
	t.Helper()
	kittest.NoError(t, d.Apply(t.Context(), func(directory.Snapshot) (directory.Changes, error) { return c, nil }))
}

func testAll(t *testing.T, d directory.Directory) {
	s := all(t, d)
	kittest.Equal(t, len(s.Users)+len(s.Groups), 0)
	filled(t, d, people)
	s = all(t, d)
	users, err := d.Users(t.Context(), 0, 0)
	kittest.NoError(t, err)
	kittest.Equal(t, s.Users, users)
	kittest.Equal(t, s.Groups, []directory.Membership{
		{Group: "ops", Members: []string{"a", "c", "d"}},
		{Group: "a", Members: []string{"b"}},
		{Group: "empty", Members: []string{}},
	})
}

// testChange applies one change of each kind.
func testChange(t *testing.T, d directory.Directory) {
	filled(t, d, people)
	before := all(t, d).Users
	a, b := before[0], before[1]
	moved := a.Addresses[1]
	moved.SealedCredential, moved.Destination, moved.Rank = []byte{7, 7}, "elsewhere", 7
	changed(t, d, directory.Changes{
		AddUsers:        []directory.User{{Nickname: "e", Failover: true, Addresses: []directory.Address{ranked(9, slack("e"))}}, {Nickname: "f"}},
		SetUsers:        []directory.User{{ID: a.ID, Failover: true}, {ID: b.ID}},
		DeleteUsers:     []string{"d"},
		AddAddresses:    []directory.Recipient{{Nickname: "b", Address: addressBy("sms", "b")}, {Nickname: "c", Address: slack("c")}},
		SetAddresses:    []directory.Address{moved},
		RemoveAddresses: []int{a.Addresses[0].ID},
		AddGroups:       []directory.Membership{{Group: "new", Members: []string{"e", "a"}}},
		DeleteGroups:    []string{"a"},
		AddMembers:      []directory.Member{{Group: "ops", Nickname: "e"}, {Group: "empty", Nickname: "b"}},
		RemoveMembers:   []directory.Member{{Group: "ops", Nickname: "c"}},
	})
	after := all(t, d)
	var addresses []string
	for _, u := range after.Users {
		for _, x := range u.Addresses {
			addresses = append(addresses, u.Nickname+" "+x.Messenger)
		}
	}
	kittest.Equal(t, addresses, []string{"a slack", "b slack", "b sms", "c slack", "e slack"})
	kittest.Equal(t, len(after.Users), 5) // f has no address
	kittest.Equal(t, after.Users[0], directory.User{ID: a.ID, Nickname: "a", Failover: true, Addresses: []directory.Address{moved}})
	kittest.Equal(t, after.Users[1].Addresses[0], b.Addresses[0])
	e := after.Users[3]
	kittest.Equal(t, e.Nickname, "e")
	kittest.Equal(t, e.Failover, true)
	kittest.Equal(t, e.Addresses[0].Rank, 9)
	for _, u := range after.Users[1:3] {
		kittest.Equal(t, u.Failover, false)
	}
	changed(t, d, directory.Changes{SetUsers: []directory.User{{ID: a.ID}, {ID: e.ID}, {ID: b.ID, Failover: true}}})
	for i, u := range all(t, d).Users {
		kittest.Equal(t, u.Failover, i == 1)
	}
	kittest.Equal(t, after.Groups, []directory.Membership{
		{Group: "ops", Members: []string{"a", "e"}},
		{Group: "empty", Members: []string{"b"}},
		{Group: "new", Members: []string{"a", "e"}},
	})
}

func testChangeNothing(t *testing.T, d directory.Directory) {
	filled(t, d, people)
	before := all(t, d)
	kittest.NoError(t, d.Apply(t.Context(), func(have directory.Snapshot) (directory.Changes, error) {
		kittest.Equal(t, have, before)
		return directory.Changes{}, nil
	}))
	kittest.Equal(t, all(t, d), before)
}

// testChangeFails checks that a plan that fails, or that cannot be applied, changes nothing.
func testChangeFails(t *testing.T, d directory.Directory) {
	filled(t, d, people)
	before := all(t, d)
	because := errors.New("because")
	kittest.Error(t, d.Apply(t.Context(), func(directory.Snapshot) (directory.Changes, error) {
		return directory.Changes{DeleteUsers: []string{"a"}}, because
	}), because)
	for name, c := range map[string]struct {
		directory.Changes
		kind error
	}{
		"a nickname that is taken":  {directory.Changes{DeleteUsers: []string{"a"}, AddUsers: []directory.User{{Nickname: "b"}}}, fault.ErrExists},
		"a nickname that is none":   {directory.Changes{DeleteUsers: []string{"a"}, AddUsers: []directory.User{{Nickname: "\x00"}}}, fault.ErrInvalid},
		"a messenger twice":         {directory.Changes{DeleteUsers: []string{"a"}, AddAddresses: []directory.Recipient{{Nickname: "b", Address: slack("b")}}}, fault.ErrExists},
		"a group of a name taken":   {directory.Changes{DeleteUsers: []string{"a"}, AddGroups: []directory.Membership{{Group: "ops"}}}, fault.ErrExists},
		"a member nobody is called": {directory.Changes{DeleteUsers: []string{"a"}, AddGroups: []directory.Membership{{Group: "x", Members: []string{"x"}}}}, fault.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			kittest.Error(t, d.Apply(t.Context(), func(directory.Snapshot) (directory.Changes, error) { return c.Changes, nil }), c.kind)
			kittest.Equal(t, all(t, d), before)
		})
	}
}

// testChangeAtOnce runs concurrent plans and single calls: each plan sees the changes of earlier ones,
// so none fails.
func testChangeAtOnce(t *testing.T, d directory.Directory) {
	const many = 10
	for _, err := range kittest.Concurrently(2*many, func(i int) error {
		if i%2 == 0 {
			return kittest.ErrorOf(d.AddUser(t.Context(), directory.User{Nickname: fmt.Sprint("single", i), Addresses: []directory.Address{slack("s")}}))
		}
		return d.Apply(t.Context(), func(have directory.Snapshot) (directory.Changes, error) {
			name := fmt.Sprint("planned", len(have.Users))
			return directory.Changes{AddUsers: []directory.User{{Nickname: name, Addresses: []directory.Address{slack("p")}}}}, nil
		})
	}) {
		kittest.NoError(t, err)
	}
	s := all(t, d)
	kittest.Equal(t, len(s.Users), 2*many)
	for i, u := range s.Users {
		if planned := fmt.Sprint("planned", i); u.Nickname[0] == 'p' && u.Nickname != planned {
			t.Errorf("user %d is %s: its plan did not see all earlier changes", i, u.Nickname)
		}
	}
}

func testSeals(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	seals, err := d.CountBySealKey(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, len(seals), 0)
	var users []directory.User
	for i, by := range []string{"b", "a", "b", "c", "b"} {
		users = append(users, directory.User{Nickname: fmt.Sprint("u", i), Addresses: []directory.Address{{
			Messenger: "slack", SealedCredential: kittest.SealedUnder(by, fmt.Sprint(i)), Destination: "x",
		}}})
	}
	filled(t, d, directory.Snapshot{Users: users})
	seals, err = d.CountBySealKey(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, seals, []directory.SealCount{{Prefix: kittest.SealedUnder("a", ""), Count: 1}, {Prefix: kittest.SealedUnder("b", ""), Count: 3}, {Prefix: kittest.SealedUnder("c", ""), Count: 1}})

	others, err := d.SealedUnderOtherKeys(ctx, kittest.SealedUnder("b", ""), 0, 10)
	kittest.NoError(t, err)
	held := all(t, d).Users
	kittest.Equal(t, others, []directory.Recipient{{Nickname: "u1", Address: held[1].Addresses[0]}, {Nickname: "u3", Address: held[3].Addresses[0]}})
	some, err := d.SealedUnderOtherKeys(ctx, kittest.SealedUnder("b", ""), others[0].Address.ID, 10)
	kittest.NoError(t, err)
	kittest.Equal(t, some, others[1:])
	some, err = d.SealedUnderOtherKeys(ctx, kittest.SealedUnder("b", ""), 0, 1)
	kittest.NoError(t, err)
	kittest.Equal(t, some, others[:1])

	n, err := d.Reseal(ctx, []directory.ResealedAddress{
		{AddressID: others[0].Address.ID, From: others[0].Address.SealedCredential, To: kittest.SealedUnder("b", "1")},
		{AddressID: others[1].Address.ID, From: []byte("it is not this any more"), To: kittest.SealedUnder("b", "3")},
		{AddressID: 99, From: []byte("it is not there"), To: kittest.SealedUnder("b", "99")},
	})
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1)
	want := slices.Clone(held[1].Addresses)
	want[0].SealedCredential = kittest.SealedUnder("b", "1")
	held[1].Addresses = want
	kittest.Equal(t, all(t, d).Users, held)
	n, err = d.Reseal(ctx, nil)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)
}

// testResealAtOnce replaces an address while it is resealed: the replaced credential stays, in either
// order.
func testResealAtOnce(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	u, err := d.AddUser(ctx, directory.User{Nickname: "kim", Addresses: []directory.Address{{Messenger: "slack", SealedCredential: kittest.SealedUnder("a", "old"), Destination: "x"}}})
	kittest.NoError(t, err)
	id := u.Addresses[0].ID
	for _, err := range kittest.Concurrently(8, func(i int) error {
		if i == 0 {
			return kittest.ErrorOf(d.ReplaceAddress(ctx, "kim", directory.Address{ID: id, Messenger: "slack", SealedCredential: kittest.SealedUnder("a", "new"), Destination: "x"}))
		}
		return kittest.ErrorOf(d.Reseal(ctx, []directory.ResealedAddress{{AddressID: id, From: kittest.SealedUnder("a", "old"), To: kittest.SealedUnder("b", "old")}}))
	}) {
		kittest.NoError(t, err)
	}
	got, err := d.User(ctx, "kim")
	kittest.NoError(t, err)
	kittest.Equal(t, got.Addresses[0].SealedCredential, kittest.SealedUnder("a", "new"))
}
