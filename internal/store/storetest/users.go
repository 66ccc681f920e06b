package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/group"
)

// slack returns an address for the messenger slack, without an id.
func slack(of string) group.Address {
	return group.Address{Messenger: "slack", SealedCredential: []byte{0, 0xff, of[0]}, CredentialKey: "key of " + of[:1], Destination: of + "_CHANNEL"}
}

// by returns an address for another messenger.
func by(messenger, of string) group.Address {
	a := slack(of)
	a.Messenger = messenger
	return a
}

// with returns an address with an id.
func with(id int, a group.Address) group.Address {
	a.ID = id
	return a
}

// unsealed is a Reseal that keeps the sealed credential.
func unsealed(r group.Recipient) ([]byte, error) { return r.Address.SealedCredential, nil }

func testUsers(t *testing.T, d group.Directory) {
	ctx := t.Context()
	kim, err := d.AddUser(ctx, group.User{Nickname: "kim", Addresses: []group.Address{slack("kim"), by("sms", "kim")}})
	must(t, err)
	same(t, kim, group.User{ID: 1, Nickname: "kim", Addresses: []group.Address{with(1, slack("kim")), with(2, by("sms", "kim"))}})
	lee, err := d.AddUser(ctx, group.User{Nickname: "lee"})
	must(t, err)
	same(t, lee.ID, 2)
	same(t, len(lee.Addresses), 0)

	got, err := d.User(ctx, "kim")
	must(t, err)
	same(t, got, kim)
	_, err = d.User(ctx, "Kim")
	is(t, err, fault.ErrNotFound, `user "Kim"`)

	_, err = d.AddUser(ctx, group.User{Nickname: "kim"})
	is(t, err, fault.ErrExists, `user "kim"`)
	_, err = d.AddUser(ctx, group.User{Nickname: "park", Addresses: []group.Address{slack("a"), slack("b")}})
	is(t, err, fault.ErrExists, "slack")
	_, err = d.User(ctx, "park")
	is(t, err, fault.ErrNotFound)

	_, err = d.ChangeUser(ctx, "kim", group.UserChange{Nickname: new("lee"), Reseal: unsealed})
	is(t, err, fault.ErrExists, `user "lee"`)
	_, err = d.ChangeUser(ctx, "nobody", group.UserChange{Nickname: new("lee"), Reseal: unsealed})
	is(t, err, fault.ErrNotFound, `user "nobody"`)
	same1, err := d.ChangeUser(ctx, "kim", group.UserChange{Nickname: new("kim"), Reseal: unsealed})
	must(t, err)
	same(t, same1, kim)
	kim.Nickname = "choi"
	choi, err := d.ChangeUser(ctx, "kim", group.UserChange{Nickname: new("choi"), Reseal: unsealed})
	must(t, err)
	same(t, choi, kim)

	must(t, d.DeleteUser(ctx, "choi"))
	is(t, d.DeleteUser(ctx, "choi"), fault.ErrNotFound, `user "choi"`)
	users, err := d.Users(ctx, 0, 10)
	must(t, err)
	same(t, len(users), 1)
}

// testRename checks that renaming a user reseals all credentials, or changes nothing.
func testRename(t *testing.T, d group.Directory) {
	ctx := t.Context()
	for _, name := range []string{"kim", "lee"} {
		must(t, second(d.AddUser(ctx, group.User{Nickname: name, Addresses: []group.Address{slack(name), by("sms", name)}})))
	}
	_, err := d.ChangeUser(ctx, "kim", group.UserChange{Nickname: new("choi"), Reseal: func(group.Recipient) ([]byte, error) { return nil, fault.ErrUnavailable }})
	is(t, err, fault.ErrUnavailable)
	kim, err := d.User(ctx, "kim")
	must(t, err)
	same(t, kim.Addresses, []group.Address{with(1, slack("kim")), with(2, by("sms", "kim"))})
	got, err := d.ChangeUser(ctx, "kim", group.UserChange{Nickname: new("choi"), Reseal: func(r group.Recipient) ([]byte, error) {
		return []byte("of " + r.Nickname + " " + r.Address.Messenger), nil
	}})
	must(t, err)
	same(t, []string{string(got.Addresses[0].SealedCredential), string(got.Addresses[1].SealedCredential)}, []string{"of kim slack", "of kim sms"})
	lee, err := d.User(ctx, "lee")
	must(t, err)
	same(t, lee.Addresses, []group.Address{with(3, slack("lee")), with(4, by("sms", "lee"))})
}

// testRenameAtOnce renames a user while the address is replaced under the old name: the replacement
// is refused, or its credential is resealed by the renaming.
func testRenameAtOnce(t *testing.T, d group.Directory) {
	ctx := t.Context()
	u, err := d.AddUser(ctx, group.User{Nickname: "kim", Addresses: []group.Address{{Messenger: "slack", SealedCredential: []byte("kim old"), Destination: "x"}}})
	must(t, err)
	errs := atOnce(8, func(i int) error {
		if i == 0 {
			return second(d.ChangeUser(ctx, "kim", group.UserChange{Nickname: new("lee"), Reseal: func(r group.Recipient) ([]byte, error) {
				return bytes.Replace(r.Address.SealedCredential, []byte("kim"), []byte("lee"), 1), nil
			}}))
		}
		return second(d.ReplaceAddress(ctx, "kim", group.Address{ID: u.Addresses[0].ID, Messenger: "slack", SealedCredential: []byte("kim new"), Destination: "x"}))
	})
	must(t, errs[0])
	for _, err := range errs[1:] {
		if err != nil {
			is(t, err, fault.ErrNotFound)
		}
	}
	got, err := d.User(ctx, "lee")
	must(t, err)
	if sealed := string(got.Addresses[0].SealedCredential); !strings.HasPrefix(sealed, "lee ") {
		t.Errorf("lee's credential is sealed as %q", sealed)
	}
}

// testNames checks that names are returned as they are stored.
func testNames(t *testing.T, d group.Directory) {
	ctx := t.Context()
	filled(t, d, group.Contents{Users: []group.User{{Nickname: "b"}, {Nickname: "e\u0301"}}, Groups: []group.Membership{{Group: "z"}, {Group: "a"}}})
	users, groups, err := d.Names(ctx)
	must(t, err)
	same(t, users, []group.Name{{ID: 1, Text: "b"}, {ID: 2, Text: "e\u0301"}})
	same(t, groups, []group.Name{{ID: 1, Text: "z"}, {ID: 2, Text: "a"}})
}

func testUserPages(t *testing.T, d group.Directory) {
	ctx := t.Context()
	var all []group.User
	for i := range 7 {
		var addresses []group.Address
		for n := range i % 3 {
			addresses = append(addresses, by(fmt.Sprintf("m%d", 9-n), "x"))
		}
		u, err := d.AddUser(ctx, group.User{Nickname: fmt.Sprintf("u%d", 9-i), Addresses: addresses})
		must(t, err)
		all = append(all, u)
	}
	got, err := d.Users(ctx, 0, 0)
	must(t, err)
	same(t, got, all)
	got, err = d.Users(ctx, 2, 3)
	must(t, err)
	same(t, got, all[2:5])
	got, err = d.Users(ctx, 7, 3)
	must(t, err)
	same(t, len(got), 0)
}

func testAddresses(t *testing.T, d group.Directory) {
	ctx := t.Context()
	for _, name := range []string{"kim", "lee"} {
		_, err := d.AddUser(ctx, group.User{Nickname: name, Addresses: []group.Address{slack(name)}})
		must(t, err)
	}
	_, err := d.AddAddress(ctx, "kim", slack("again"))
	is(t, err, fault.ErrExists, `"kim"`, "slack")
	_, err = d.AddAddress(ctx, "nobody", slack("x"))
	is(t, err, fault.ErrNotFound, `user "nobody"`)
	sms, err := d.AddAddress(ctx, "kim", by("sms", "kim"))
	must(t, err)
	if sms.ID <= 2 {
		t.Errorf("address id is %d, want a new one", sms.ID)
	}
	same(t, sms, with(sms.ID, by("sms", "kim")))

	_, err = d.ReplaceAddress(ctx, "nobody", with(1, slack("x")))
	is(t, err, fault.ErrNotFound, `user "nobody"`)
	_, err = d.ReplaceAddress(ctx, "lee", with(1, slack("x")))
	is(t, err, fault.ErrNotFound, "address 1", `"lee"`)
	_, err = d.ReplaceAddress(ctx, "kim", with(1, by("sms", "x")))
	is(t, err, fault.ErrExists, `"kim"`, "sms")
	mail, err := d.ReplaceAddress(ctx, "kim", with(1, by("mail", "new")))
	must(t, err)
	same(t, mail, with(1, by("mail", "new")))
	kim, err := d.User(ctx, "kim")
	must(t, err)
	same(t, kim.Addresses, []group.Address{mail, sms})

	is(t, d.RemoveAddress(ctx, "nobody", 1), fault.ErrNotFound, `user "nobody"`)
	is(t, d.RemoveAddress(ctx, "lee", 1), fault.ErrNotFound, "address 1", `"lee"`)
	must(t, d.RemoveAddress(ctx, "kim", 1))
	is(t, d.RemoveAddress(ctx, "kim", 1), fault.ErrNotFound, "address 1")
}

// testDirectoryInput checks that input that cannot be stored is refused as a whole, with the name of
// the field.
func testDirectoryInput(t *testing.T, d group.Directory) {
	ctx := t.Context()
	long := strings.Repeat("가", 31)
	must(t, second(d.AddGroup(ctx, long[:90]))) // 30 characters
	must(t, second(d.AddUser(ctx, group.User{Nickname: long[:90]})))
	for _, bad := range []string{"", long, "a\x00b", "\xff"} {
		is(t, second(d.AddGroup(ctx, bad)), fault.ErrInvalid, "name")
		is(t, second(d.RenameGroup(ctx, 1, bad)), fault.ErrInvalid, "name")
		is(t, second(d.AddUser(ctx, group.User{Nickname: bad})), fault.ErrInvalid, "nickname")
		is(t, second(d.ChangeUser(ctx, long[:90], group.UserChange{Nickname: new(bad), Reseal: unsealed})), fault.ErrInvalid, "nickname")
		is(t, second(d.AddUser(ctx, group.User{Nickname: "new", Addresses: []group.Address{by(bad, "x")}})), fault.ErrInvalid, "messenger")
	}
	is(t, second(d.AddUser(ctx, group.User{Nickname: "new", Addresses: []group.Address{by("elevenchars", "x")}})), fault.ErrInvalid, "messenger")
	is(t, second(d.AddUser(ctx, group.User{Nickname: "new", Addresses: []group.Address{slack(strings.Repeat("x", 256))}})), fault.ErrInvalid, "destination")
	is(t, second(d.User(ctx, "new")), fault.ErrNotFound)
	got, err := d.Group(ctx, 1)
	must(t, err)
	same(t, got.Name, long[:90])
}

// second returns the error of a call with one result.
func second[T any](_ T, err error) error { return err }

// testMoveAddresses checks that addresses are moved if messenger, credential and destination match,
// and no others.
func testMoveAddresses(t *testing.T, d group.Directory) {
	ctx := t.Context()
	of := func(messenger, key, destination string) group.Address {
		return group.Address{Messenger: messenger, SealedCredential: []byte("s"), CredentialKey: key, Destination: destination}
	}
	for name, a := range map[string]group.Address{
		"ada": of("telegram", "k1", "-1"), "bob": of("telegram", "k1", "-1"), "cho": of("telegram", "k2", "-1"),
		"dan": of("telegram", "k1", "-2"), "eun": of("slack", "k1", "-1"),
	} {
		_, err := d.AddUser(ctx, group.User{Nickname: name, Addresses: []group.Address{a}})
		must(t, err)
	}
	reseal := func(r group.Recipient) ([]byte, error) {
		return []byte(r.Nickname + " from " + r.Address.Destination + " " + string(r.Address.SealedCredential)), nil
	}
	moved, err := d.MoveAddresses(ctx, "telegram", "k1", "-1", "-1001", reseal)
	must(t, err)
	same(t, moved, 2)
	var got []string
	users, err := d.Users(ctx, 0, 0)
	must(t, err)
	for _, u := range users {
		got = append(got, u.Nickname+" "+u.Addresses[0].Destination+" "+string(u.Addresses[0].SealedCredential))
	}
	slices.Sort(got)
	same(t, got, []string{"ada -1001 ada from -1 s", "bob -1001 bob from -1 s", "cho -1 s", "dan -2 s", "eun -1 s"})
	moved, err = d.MoveAddresses(ctx, "telegram", "k1", "-1", "-1001", reseal)
	must(t, err)
	same(t, moved, 0)
}
