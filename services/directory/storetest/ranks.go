package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/directory"
)

// ranked returns an address with an address rank.
func ranked(rank int, a directory.Address) directory.Address {
	a.Rank = rank
	return a
}

// testRanks checks that the addresses of a user are sorted by rank and then by id, and that a rank
// stays until another is set.
func testRanks(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	filled(t, d, directory.Snapshot{Users: []directory.User{
		{Nickname: "a", Failover: true, Addresses: []directory.Address{ranked(1, addressBy("sms", "a")), ranked(1, slack("a")), addressBy("mail", "a")}},
		{Nickname: "b", Addresses: []directory.Address{ranked(1000, slack("b")), ranked(7, addressBy("sms", "b"))}},
	}})
	order := func(targetTexts ...string) (all []string) {
		t.Helper()
		found, _, err := d.Find(ctx, targets(t, targetTexts...))
		kittest.NoError(t, err)
		for _, r := range found {
			all = append(all, r.Nickname+" "+r.Address.Messenger)
			kittest.Equal(t, r.Failover, r.Nickname == "a")
		}
		return all
	}
	kittest.Equal(t, order("@b", "@a"), []string{"b sms", "b slack", "a mail", "a sms", "a slack"})
	kittest.Equal(t, order("@all"), []string{"a mail", "a sms", "a slack", "b sms", "b slack"})

	a, err := d.User(ctx, "a")
	kittest.NoError(t, err)
	kittest.Equal(t, a, directory.User{ID: 1, Nickname: "a", Failover: true, Addresses: []directory.Address{
		addressWithID(1, ranked(1, addressBy("sms", "a"))), addressWithID(2, ranked(1, slack("a"))), addressWithID(3, addressBy("mail", "a")),
	}})
	kept, err := d.ReplaceAddress(ctx, "a", addressWithID(2, ranked(directory.KeepRank, slack("new"))))
	kittest.NoError(t, err)
	kittest.Equal(t, kept, addressWithID(2, ranked(1, slack("new"))))
	first, err := d.ReplaceAddress(ctx, "a", addressWithID(2, slack("a")))
	kittest.NoError(t, err)
	kittest.Equal(t, first.Rank, 0)
	added, err := d.AddAddress(ctx, "a", ranked(500, addressBy("pager", "a")))
	kittest.NoError(t, err)
	kittest.Equal(t, added, addressWithID(added.ID, ranked(500, addressBy("pager", "a"))))
	kittest.Equal(t, order("@a"), []string{"a slack", "a mail", "a sms", "a pager"})

	for _, bad := range []int{-2, 1001} {
		kittest.Error(t, kittest.ErrorOf(d.AddAddress(ctx, "b", ranked(bad, addressBy("mail", "b")))), fault.ErrInvalid, "rank")
		kittest.Error(t, kittest.ErrorOf(d.ReplaceAddress(ctx, "a", addressWithID(2, ranked(bad, slack("a"))))), fault.ErrInvalid, "rank")
	}
}

// testChangeUser checks that unset fields stay unchanged.
func testChangeUser(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	kim, err := d.AddUser(ctx, directory.User{Nickname: "kim", Failover: true, Addresses: []directory.Address{ranked(3, slack("kim"))}})
	kittest.NoError(t, err)
	kittest.Equal(t, kim, directory.User{ID: 1, Nickname: "kim", Failover: true, Addresses: []directory.Address{addressWithID(1, ranked(3, slack("kim")))}})
	for _, change := range []struct {
		directory.UserChange
		nickname string
		failover bool
	}{
		{directory.UserChange{}, "kim", true},
		{directory.UserChange{Reseal: keepSealed, Nickname: new("lee")}, "lee", true},
		{directory.UserChange{Failover: new(false)}, "lee", false},
		{directory.UserChange{Reseal: keepSealed, Nickname: new("kim")}, "kim", false},
		{directory.UserChange{Reseal: keepSealed, Nickname: new("park"), Failover: new(true)}, "park", true},
	} {
		got, err := d.ChangeUser(ctx, kim.Nickname, change.UserChange)
		kittest.NoError(t, err)
		kim.Nickname, kim.Failover = change.nickname, change.failover
		kittest.Equal(t, got, kim)
	}
	users, err := d.Users(ctx, 0, 0)
	kittest.NoError(t, err)
	kittest.Equal(t, users, []directory.User{kim})
	kittest.Error(t, kittest.ErrorOf(d.ChangeUser(ctx, "kim", directory.UserChange{Failover: new(true)})), fault.ErrNotFound, `user "kim"`)
}
