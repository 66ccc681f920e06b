package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/group"
)

// ranked returns an address with an address rank.
func ranked(rank int, a group.Address) group.Address {
	a.Rank = rank
	return a
}

// testRanks checks that the addresses of a user are sorted by rank and then by id, and that a rank
// stays until another is set.
func testRanks(t *testing.T, d group.Directory) {
	ctx := t.Context()
	filled(t, d, group.Contents{Users: []group.User{
		{Nickname: "a", Failover: true, Addresses: []group.Address{ranked(1, by("sms", "a")), ranked(1, slack("a")), by("mail", "a")}},
		{Nickname: "b", Addresses: []group.Address{ranked(1000, slack("b")), ranked(7, by("sms", "b"))}},
	}})
	order := func(targetTexts ...string) (all []string) {
		t.Helper()
		found, _, err := d.Find(ctx, targets(t, targetTexts...))
		must(t, err)
		for _, r := range found {
			all = append(all, r.Nickname+" "+r.Address.Messenger)
			same(t, r.Failover, r.Nickname == "a")
		}
		return all
	}
	same(t, order("@b", "@a"), []string{"b sms", "b slack", "a mail", "a sms", "a slack"})
	same(t, order("@all"), []string{"a mail", "a sms", "a slack", "b sms", "b slack"})

	a, err := d.User(ctx, "a")
	must(t, err)
	same(t, a, group.User{ID: 1, Nickname: "a", Failover: true, Addresses: []group.Address{
		with(1, ranked(1, by("sms", "a"))), with(2, ranked(1, slack("a"))), with(3, by("mail", "a")),
	}})
	kept, err := d.ReplaceAddress(ctx, "a", with(2, ranked(group.SameRank, slack("new"))))
	must(t, err)
	same(t, kept, with(2, ranked(1, slack("new"))))
	first, err := d.ReplaceAddress(ctx, "a", with(2, slack("a")))
	must(t, err)
	same(t, first.Rank, 0)
	added, err := d.AddAddress(ctx, "a", ranked(500, by("pager", "a")))
	must(t, err)
	same(t, added, with(added.ID, ranked(500, by("pager", "a"))))
	same(t, order("@a"), []string{"a slack", "a mail", "a sms", "a pager"})

	for _, bad := range []int{-2, 1001} {
		is(t, second(d.AddAddress(ctx, "b", ranked(bad, by("mail", "b")))), fault.ErrInvalid, "rank")
		is(t, second(d.ReplaceAddress(ctx, "a", with(2, ranked(bad, slack("a"))))), fault.ErrInvalid, "rank")
	}
}

// testChangeUser checks that unset fields stay unchanged.
func testChangeUser(t *testing.T, d group.Directory) {
	ctx := t.Context()
	kim, err := d.AddUser(ctx, group.User{Nickname: "kim", Failover: true, Addresses: []group.Address{ranked(3, slack("kim"))}})
	must(t, err)
	same(t, kim, group.User{ID: 1, Nickname: "kim", Failover: true, Addresses: []group.Address{with(1, ranked(3, slack("kim")))}})
	for _, change := range []struct {
		group.UserChange
		nickname string
		failover bool
	}{
		{group.UserChange{}, "kim", true},
		{group.UserChange{Reseal: unsealed, Nickname: new("lee")}, "lee", true},
		{group.UserChange{Failover: new(false)}, "lee", false},
		{group.UserChange{Reseal: unsealed, Nickname: new("kim")}, "kim", false},
		{group.UserChange{Reseal: unsealed, Nickname: new("park"), Failover: new(true)}, "park", true},
	} {
		got, err := d.ChangeUser(ctx, kim.Nickname, change.UserChange)
		must(t, err)
		kim.Nickname, kim.Failover = change.nickname, change.failover
		same(t, got, kim)
	}
	users, err := d.Users(ctx, 0, 0)
	must(t, err)
	same(t, users, []group.User{kim})
	is(t, second(d.ChangeUser(ctx, "kim", group.UserChange{Failover: new(true)})), fault.ErrNotFound, `user "kim"`)
}
