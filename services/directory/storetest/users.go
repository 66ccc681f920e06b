package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/directory"
)

// slack returns an address for the messenger slack, without an id.
func slack(of string) directory.Address {
	return directory.Address{Messenger: "slack", SealedCredential: []byte{0, 0xff, of[0]}, CredentialFingerprint: "key of " + of[:1], Destination: of + "_CHANNEL"}
}

// addressBy returns an address for another messenger.
func addressBy(messenger, of string) directory.Address {
	a := slack(of)
	a.Messenger = messenger
	return a
}

// addressWithID returns an address with an id.
func addressWithID(id int, a directory.Address) directory.Address {
	a.ID = id
	return a
}

// keepSealed is a Reseal that keeps the sealed credential.
func keepSealed(r directory.Recipient) ([]byte, error) { return r.Address.SealedCredential, nil }

func testUsers(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	kim, err := d.AddUser(ctx, directory.User{Nickname: "kim", Addresses: []directory.Address{slack("kim"), addressBy("sms", "kim")}})
	kittest.NoError(t, err)
	kittest.Equal(t, kim, directory.User{ID: 1, Nickname: "kim", Addresses: []directory.Address{addressWithID(1, slack("kim")), addressWithID(2, addressBy("sms", "kim"))}})
	lee, err := d.AddUser(ctx, directory.User{Nickname: "lee"})
	kittest.NoError(t, err)
	kittest.Equal(t, lee.ID, 2)
	kittest.Equal(t, len(lee.Addresses), 0)

	got, err := d.User(ctx, "kim")
	kittest.NoError(t, err)
	kittest.Equal(t, got, kim)
	_, err = d.User(ctx, "Kim")
	kittest.Error(t, err, fault.ErrNotFound, `user "Kim"`)

	_, err = d.AddUser(ctx, directory.User{Nickname: "kim"})
	kittest.Error(t, err, fault.ErrExists, `user "kim"`)
	_, err = d.AddUser(ctx, directory.User{Nickname: "park", Addresses: []directory.Address{slack("a"), slack("b")}})
	kittest.Error(t, err, fault.ErrExists, "slack")
	_, err = d.User(ctx, "park")
	kittest.Error(t, err, fault.ErrNotFound)

	_, err = d.ChangeUser(ctx, "kim", directory.UserChange{Nickname: new("lee"), Reseal: keepSealed})
	kittest.Error(t, err, fault.ErrExists, `user "lee"`)
	_, err = d.ChangeUser(ctx, "nobody", directory.UserChange{Nickname: new("lee"), Reseal: keepSealed})
	kittest.Error(t, err, fault.ErrNotFound, `user "nobody"`)
	same1, err := d.ChangeUser(ctx, "kim", directory.UserChange{Nickname: new("kim"), Reseal: keepSealed})
	kittest.NoError(t, err)
	kittest.Equal(t, same1, kim)
	kim.Nickname = "choi"
	choi, err := d.ChangeUser(ctx, "kim", directory.UserChange{Nickname: new("choi"), Reseal: keepSealed})
	kittest.NoError(t, err)
	kittest.Equal(t, choi, kim)

	kittest.NoError(t, d.DeleteUser(ctx, "choi"))
	kittest.Error(t, d.DeleteUser(ctx, "choi"), fault.ErrNotFound, `user "choi"`)
	users, err := d.Users(ctx, 0, 10)
	kittest.NoError(t, err)
	kittest.Equal(t, len(users), 1)
}

// testRename checks that renaming a user reseals all credentials, or changes nothing.
func testRename(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	for _, name := range []string{"kim", "lee"} {
		kittest.NoError(t, kittest.ErrorOf(d.AddUser(ctx, directory.User{Nickname: name, Addresses: []directory.Address{slack(name), addressBy("sms", name)}})))
	}
	_, err := d.ChangeUser(ctx, "kim", directory.UserChange{Nickname: new("choi"), Reseal: func(directory.Recipient) ([]byte, error) { return nil, fault.Unavailablef("sealing failed") }})
	kittest.Error(t, err, fault.ErrUnavailable)
	kim, err := d.User(ctx, "kim")
	kittest.NoError(t, err)
	kittest.Equal(t, kim.Addresses, []directory.Address{addressWithID(1, slack("kim")), addressWithID(2, addressBy("sms", "kim"))})
	got, err := d.ChangeUser(ctx, "kim", directory.UserChange{Nickname: new("choi"), Reseal: func(r directory.Recipient) ([]byte, error) {
		return []byte("of " + r.Nickname + " " + r.Address.Messenger), nil
	}})
	kittest.NoError(t, err)
	kittest.Equal(t, []string{string(got.Addresses[0].SealedCredential), string(got.Addresses[1].SealedCredential)}, []string{"of kim slack", "of kim sms"})
	lee, err := d.User(ctx, "lee")
	kittest.NoError(t, err)
	kittest.Equal(t, lee.Addresses, []directory.Address{addressWithID(3, slack("lee")), addressWithID(4, addressBy("sms", "lee"))})
}

// testRenameAtOnce renames a user while the address is replaced under the old name: the replacement
// is refused, or its credential is resealed by the renaming.
func testRenameAtOnce(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	u, err := d.AddUser(ctx, directory.User{Nickname: "kim", Addresses: []directory.Address{{Messenger: "slack", SealedCredential: []byte("kim old"), Destination: "x"}}})
	kittest.NoError(t, err)
	errs := kittest.Concurrently(8, func(i int) error {
		if i == 0 {
			return kittest.ErrorOf(d.ChangeUser(ctx, "kim", directory.UserChange{Nickname: new("lee"), Reseal: func(r directory.Recipient) ([]byte, error) {
				return bytes.Replace(r.Address.SealedCredential, []byte("kim"), []byte("lee"), 1), nil
			}}))
		}
		return kittest.ErrorOf(d.ReplaceAddress(ctx, "kim", directory.Address{ID: u.Addresses[0].ID, Messenger: "slack", SealedCredential: []byte("kim new"), Destination: "x"}))
	})
	kittest.NoError(t, errs[0])
	for _, err := range errs[1:] {
		if err != nil {
			kittest.Error(t, err, fault.ErrNotFound)
		}
	}
	got, err := d.User(ctx, "lee")
	kittest.NoError(t, err)
	if sealed := string(got.Addresses[0].SealedCredential); !strings.HasPrefix(sealed, "lee ") {
		t.Errorf("lee's credential is sealed as %q", sealed)
	}
}

// testNames checks that names are returned as they are stored.
func testNames(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	filled(t, d, directory.Snapshot{Users: []directory.User{{Nickname: "b"}, {Nickname: "e\u0301"}}, Groups: []directory.Membership{{Group: "z"}, {Group: "a"}}})
	users, groups, err := d.Names(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, users, []directory.StoredName{{ID: 1, Text: "b"}, {ID: 2, Text: "e\u0301"}})
	kittest.Equal(t, groups, []directory.StoredName{{ID: 1, Text: "z"}, {ID: 2, Text: "a"}})
}

func testUserPages(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	var all []directory.User
	for i := range 7 {
		var addresses []directory.Address
		for n := range i % 3 {
			addresses = append(addresses, addressBy(fmt.Sprintf("m%d", 9-n), "x"))
		}
		u, err := d.AddUser(ctx, directory.User{Nickname: fmt.Sprintf("u%d", 9-i), Addresses: addresses})
		kittest.NoError(t, err)
		all = append(all, u)
	}
	got, err := d.Users(ctx, 0, 0)
	kittest.NoError(t, err)
	kittest.Equal(t, got, all)
	got, err = d.Users(ctx, 2, 3)
	kittest.NoError(t, err)
	kittest.Equal(t, got, all[2:5])
	got, err = d.Users(ctx, 7, 3)
	kittest.NoError(t, err)
	kittest.Equal(t, len(got), 0)
}

func testAddresses(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	for _, name := range []string{"kim", "lee"} {
		_, err := d.AddUser(ctx, directory.User{Nickname: name, Addresses: []directory.Address{slack(name)}})
		kittest.NoError(t, err)
	}
	_, err := d.AddAddress(ctx, "kim", slack("again"))
	kittest.Error(t, err, fault.ErrExists, `"kim"`, "slack")
	_, err = d.AddAddress(ctx, "nobody", slack("x"))
	kittest.Error(t, err, fault.ErrNotFound, `user "nobody"`)
	sms, err := d.AddAddress(ctx, "kim", addressBy("sms", "kim"))
	kittest.NoError(t, err)
	if sms.ID <= 2 {
		t.Errorf("address id is %d, want a new one", sms.ID)
	}
	kittest.Equal(t, sms, addressWithID(sms.ID, addressBy("sms", "kim")))

	_, err = d.ReplaceAddress(ctx, "nobody", addressWithID(1, slack("x")))
	kittest.Error(t, err, fault.ErrNotFound, `user "nobody"`)
	_, err = d.ReplaceAddress(ctx, "lee", addressWithID(1, slack("x")))
	kittest.Error(t, err, fault.ErrNotFound, "address 1", `"lee"`)
	_, err = d.ReplaceAddress(ctx, "kim", addressWithID(1, addressBy("sms", "x")))
	kittest.Error(t, err, fault.ErrExists, `"kim"`, "sms")
	mail, err := d.ReplaceAddress(ctx, "kim", addressWithID(1, addressBy("mail", "new")))
	kittest.NoError(t, err)
	kittest.Equal(t, mail, addressWithID(1, addressBy("mail", "new")))
	kim, err := d.User(ctx, "kim")
	kittest.NoError(t, err)
	kittest.Equal(t, kim.Addresses, []directory.Address{mail, sms})

	kittest.Error(t, d.RemoveAddress(ctx, "nobody", 1), fault.ErrNotFound, `user "nobody"`)
	kittest.Error(t, d.RemoveAddress(ctx, "lee", 1), fault.ErrNotFound, "address 1", `"lee"`)
	kittest.NoError(t, d.RemoveAddress(ctx, "kim", 1))
	kittest.Error(t, d.RemoveAddress(ctx, "kim", 1), fault.ErrNotFound, "address 1")
}

// testDirectoryInput checks that input that cannot be stored is refused as a whole, with the name of
// the field.
func testDirectoryInput(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	long := strings.Repeat("가", 31)
	kittest.NoError(t, kittest.ErrorOf(d.AddGroup(ctx, long[:90]))) // 30 characters
	kittest.NoError(t, kittest.ErrorOf(d.AddUser(ctx, directory.User{Nickname: long[:90]})))
	for _, bad := range []string{"", long, "a\x00b", "\xff"} {
		kittest.Error(t, kittest.ErrorOf(d.AddGroup(ctx, bad)), fault.ErrInvalid, "name")
		kittest.Error(t, kittest.ErrorOf(d.RenameGroup(ctx, 1, bad)), fault.ErrInvalid, "name")
		kittest.Error(t, kittest.ErrorOf(d.AddUser(ctx, directory.User{Nickname: bad})), fault.ErrInvalid, "nickname")
		kittest.Error(t, kittest.ErrorOf(d.ChangeUser(ctx, long[:90], directory.UserChange{Nickname: new(bad), Reseal: keepSealed})), fault.ErrInvalid, "nickname")
		kittest.Error(t, kittest.ErrorOf(d.AddUser(ctx, directory.User{Nickname: "new", Addresses: []directory.Address{addressBy(bad, "x")}})), fault.ErrInvalid, "messenger")
	}
	kittest.Error(t, kittest.ErrorOf(d.AddUser(ctx, directory.User{Nickname: "new", Addresses: []directory.Address{addressBy("elevenchars", "x")}})), fault.ErrInvalid, "messenger")
	kittest.Error(t, kittest.ErrorOf(d.AddUser(ctx, directory.User{Nickname: "new", Addresses: []directory.Address{slack(strings.Repeat("x", 256))}})), fault.ErrInvalid, "destination")
	kittest.Error(t, kittest.ErrorOf(d.User(ctx, "new")), fault.ErrNotFound)
	got, err := d.Group(ctx, 1)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Name, long[:90])
}

// testMoveAddresses checks that addresses are moved if messenger, credential and destination match,
// and no others.
func testMoveAddresses(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	of := func(messenger, key, destination string) directory.Address {
		return directory.Address{Messenger: messenger, SealedCredential: []byte("s"), CredentialFingerprint: key, Destination: destination}
	}
	for name, a := range map[string]directory.Address{
		"ada": of("telegram", "k1", "-1"), "bob": of("telegram", "k1", "-1"), "cho": of("telegram", "k2", "-1"),
		"dan": of("telegram", "k1", "-2"), "eun": of("slack", "k1", "-1"),
	} {
		_, err := d.AddUser(ctx, directory.User{Nickname: name, Addresses: []directory.Address{a}})
		kittest.NoError(t, err)
	}
	reseal := func(r directory.Recipient) ([]byte, error) {
		return []byte(r.Nickname + " from " + r.Address.Destination + " " + string(r.Address.SealedCredential)), nil
	}
	moved, err := d.MoveAddresses(ctx, "telegram", "k1", "-1", "-1001", reseal)
	kittest.NoError(t, err)
	kittest.Equal(t, moved, 2)
	var got []string
	users, err := d.Users(ctx, 0, 0)
	kittest.NoError(t, err)
	for _, u := range users {
		got = append(got, u.Nickname+" "+u.Addresses[0].Destination+" "+string(u.Addresses[0].SealedCredential))
	}
	slices.Sort(got)
	kittest.Equal(t, got, []string{"ada -1001 ada from -1 s", "bob -1001 bob from -1 s", "cho -1 s", "dan -2 s", "eun -1 s"})
	moved, err = d.MoveAddresses(ctx, "telegram", "k1", "-1", "-1001", reseal)
	kittest.NoError(t, err)
	kittest.Equal(t, moved, 0)
}
