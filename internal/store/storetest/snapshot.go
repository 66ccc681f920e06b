package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/group"
)

// all returns the snapshot of a directory.
func all(t testing.TB, d group.Directory) group.Snapshot {
	t.Helper()
	s, err := d.Snapshot(t.Context())
	requireNoError(t, err)
	return s
}

// changed applies changes, whatever the directory contains.
func changed(t testing.TB, d group.Directory, c group.Changes) {
	t.Helper()
	requireNoError(t, d.Apply(t.Context(), func(group.Snapshot) (group.Changes, error) { return c, nil }))
}

func testAll(t *testing.T, d group.Directory) {
	s := all(t, d)
	requireEqual(t, len(s.Users)+len(s.Groups), 0)
	filled(t, d, people)
	s = all(t, d)
	users, err := d.Users(t.Context(), 0, 0)
	requireNoError(t, err)
	requireEqual(t, s.Users, users)
	requireEqual(t, s.Groups, []group.Membership{
		{Group: "ops", Members: []string{"a", "c", "d"}},
		{Group: "a", Members: []string{"b"}},
		{Group: "empty", Members: []string{}},
	})
}

// testChange applies one change of each kind.
func testChange(t *testing.T, d group.Directory) {
	filled(t, d, people)
	before := all(t, d).Users
	a, b := before[0], before[1]
	moved := a.Addresses[1]
	moved.SealedCredential, moved.Destination, moved.Rank = []byte{7, 7}, "elsewhere", 7
	changed(t, d, group.Changes{
		AddUsers:        []group.User{{Nickname: "e", Failover: true, Addresses: []group.Address{ranked(9, slack("e"))}}, {Nickname: "f"}},
		SetUsers:        []group.User{{ID: a.ID, Failover: true}, {ID: b.ID}},
		DeleteUsers:     []string{"d"},
		AddAddresses:    []group.Recipient{{Nickname: "b", Address: addressBy("sms", "b")}, {Nickname: "c", Address: slack("c")}},
		SetAddresses:    []group.Address{moved},
		RemoveAddresses: []int{a.Addresses[0].ID},
		AddGroups:       []group.Membership{{Group: "new", Members: []string{"e", "a"}}},
		DeleteGroups:    []string{"a"},
		AddMembers:      []group.Member{{Group: "ops", Nickname: "e"}, {Group: "empty", Nickname: "b"}},
		RemoveMembers:   []group.Member{{Group: "ops", Nickname: "c"}},
	})
	after := all(t, d)
	var said []string
	for _, u := range after.Users {
		for _, x := range u.Addresses {
			said = append(said, u.Nickname+" "+x.Messenger)
		}
	}
	requireEqual(t, said, []string{"a slack", "b slack", "b sms", "c slack", "e slack"})
	requireEqual(t, len(after.Users), 5) // f has no address
	requireEqual(t, after.Users[0], group.User{ID: a.ID, Nickname: "a", Failover: true, Addresses: []group.Address{moved}})
	requireEqual(t, after.Users[1].Addresses[0], b.Addresses[0])
	e := after.Users[3]
	requireEqual(t, e.Nickname, "e")
	requireEqual(t, e.Failover, true)
	requireEqual(t, e.Addresses[0].Rank, 9)
	for _, u := range after.Users[1:3] {
		requireEqual(t, u.Failover, false)
	}
	changed(t, d, group.Changes{SetUsers: []group.User{{ID: a.ID}, {ID: e.ID}, {ID: b.ID, Failover: true}}})
	for i, u := range all(t, d).Users {
		requireEqual(t, u.Failover, i == 1)
	}
	requireEqual(t, after.Groups, []group.Membership{
		{Group: "ops", Members: []string{"a", "e"}},
		{Group: "empty", Members: []string{"b"}},
		{Group: "new", Members: []string{"a", "e"}},
	})
}

func testChangeNothing(t *testing.T, d group.Directory) {
	filled(t, d, people)
	before := all(t, d)
	requireNoError(t, d.Apply(t.Context(), func(have group.Snapshot) (group.Changes, error) {
		requireEqual(t, have, before)
		return group.Changes{}, nil
	}))
	requireEqual(t, all(t, d), before)
}

// testChangeFails checks that a plan that fails, or that cannot be applied, changes nothing.
func testChangeFails(t *testing.T, d group.Directory) {
	filled(t, d, people)
	before := all(t, d)
	because := errors.New("because")
	requireError(t, d.Apply(t.Context(), func(group.Snapshot) (group.Changes, error) {
		return group.Changes{DeleteUsers: []string{"a"}}, because
	}), because)
	for name, c := range map[string]struct {
		group.Changes
		kind error
	}{
		"a nickname that is taken":  {group.Changes{DeleteUsers: []string{"a"}, AddUsers: []group.User{{Nickname: "b"}}}, fault.ErrExists},
		"a nickname that is none":   {group.Changes{DeleteUsers: []string{"a"}, AddUsers: []group.User{{Nickname: "\x00"}}}, fault.ErrInvalid},
		"a messenger twice":         {group.Changes{DeleteUsers: []string{"a"}, AddAddresses: []group.Recipient{{Nickname: "b", Address: slack("b")}}}, fault.ErrExists},
		"a group of a name taken":   {group.Changes{DeleteUsers: []string{"a"}, AddGroups: []group.Membership{{Group: "ops"}}}, fault.ErrExists},
		"a member nobody is called": {group.Changes{DeleteUsers: []string{"a"}, AddGroups: []group.Membership{{Group: "x", Members: []string{"x"}}}}, fault.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			requireError(t, d.Apply(t.Context(), func(group.Snapshot) (group.Changes, error) { return c.Changes, nil }), c.kind)
			requireEqual(t, all(t, d), before)
		})
	}
}

// testChangeAtOnce runs concurrent plans and single calls: each plan sees the changes of earlier ones,
// so none fails.
func testChangeAtOnce(t *testing.T, d group.Directory) {
	const many = 10
	for _, err := range runConcurrently(2*many, func(i int) error {
		if i%2 == 0 {
			return errorOf(d.AddUser(t.Context(), group.User{Nickname: fmt.Sprint("single", i), Addresses: []group.Address{slack("s")}}))
		}
		return d.Apply(t.Context(), func(have group.Snapshot) (group.Changes, error) {
			name := fmt.Sprint("planned", len(have.Users))
			return group.Changes{AddUsers: []group.User{{Nickname: name, Addresses: []group.Address{slack("p")}}}}, nil
		})
	}) {
		requireNoError(t, err)
	}
	s := all(t, d)
	requireEqual(t, len(s.Users), 2*many)
	for i, u := range s.Users {
		if planned := fmt.Sprint("planned", i); u.Nickname[0] == 'p' && u.Nickname != planned {
			t.Errorf("user %d is %s: its plan did not see all earlier changes", i, u.Nickname)
		}
	}
}

// sealedBy returns the prefix of a credential sealed by a key of one letter.
func sealedBy(key, rest string) []byte { return append([]byte{1, 0, 0, 0}, key+rest...) }

func testSeals(t *testing.T, d group.Directory) {
	ctx := t.Context()
	seals, err := d.CountBySealKey(ctx)
	requireNoError(t, err)
	requireEqual(t, len(seals), 0)
	var users []group.User
	for i, by := range []string{"b", "a", "b", "c", "b"} {
		users = append(users, group.User{Nickname: fmt.Sprint("u", i), Addresses: []group.Address{{
			Messenger: "slack", SealedCredential: sealedBy(by, fmt.Sprint(i)), Destination: "x",
		}}})
	}
	filled(t, d, group.Snapshot{Users: users})
	seals, err = d.CountBySealKey(ctx)
	requireNoError(t, err)
	requireEqual(t, seals, []group.SealCount{{Prefix: sealedBy("a", ""), Count: 1}, {Prefix: sealedBy("b", ""), Count: 3}, {Prefix: sealedBy("c", ""), Count: 1}})

	others, err := d.SealedUnderOtherKeys(ctx, sealedBy("b", ""), 0, 10)
	requireNoError(t, err)
	held := all(t, d).Users
	requireEqual(t, others, []group.Recipient{{Nickname: "u1", Address: held[1].Addresses[0]}, {Nickname: "u3", Address: held[3].Addresses[0]}})
	some, err := d.SealedUnderOtherKeys(ctx, sealedBy("b", ""), others[0].Address.ID, 10)
	requireNoError(t, err)
	requireEqual(t, some, others[1:])
	some, err = d.SealedUnderOtherKeys(ctx, sealedBy("b", ""), 0, 1)
	requireNoError(t, err)
	requireEqual(t, some, others[:1])

	n, err := d.Reseal(ctx, []group.ResealedAddress{
		{AddressID: others[0].Address.ID, From: others[0].Address.SealedCredential, To: sealedBy("b", "1")},
		{AddressID: others[1].Address.ID, From: []byte("it is not this any more"), To: sealedBy("b", "3")},
		{AddressID: 99, From: []byte("it is not there"), To: sealedBy("b", "99")},
	})
	requireNoError(t, err)
	requireEqual(t, n, 1)
	want := slices.Clone(held[1].Addresses)
	want[0].SealedCredential = sealedBy("b", "1")
	held[1].Addresses = want
	requireEqual(t, all(t, d).Users, held)
	n, err = d.Reseal(ctx, nil)
	requireNoError(t, err)
	requireEqual(t, n, 0)
}

// testResealAtOnce replaces an address while it is resealed: the replaced credential stays, in either
// order.
func testResealAtOnce(t *testing.T, d group.Directory) {
	ctx := t.Context()
	u, err := d.AddUser(ctx, group.User{Nickname: "kim", Addresses: []group.Address{{Messenger: "slack", SealedCredential: sealedBy("a", "old"), Destination: "x"}}})
	requireNoError(t, err)
	id := u.Addresses[0].ID
	for _, err := range runConcurrently(8, func(i int) error {
		if i == 0 {
			return errorOf(d.ReplaceAddress(ctx, "kim", group.Address{ID: id, Messenger: "slack", SealedCredential: sealedBy("a", "new"), Destination: "x"}))
		}
		return errorOf(d.Reseal(ctx, []group.ResealedAddress{{AddressID: id, From: sealedBy("a", "old"), To: sealedBy("b", "old")}}))
	}) {
		requireNoError(t, err)
	}
	got, err := d.User(ctx, "kim")
	requireNoError(t, err)
	requireEqual(t, got.Addresses[0].SealedCredential, sealedBy("a", "new"))
}
