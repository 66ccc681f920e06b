package storetest

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/directory"
)

// targets parses well-formed targets.
func targets(t testing.TB, texts ...string) []target.Target {
	t.Helper()
	all, err := target.ParseAll(texts)
	kittest.NoError(t, err)
	return all
}

// people are four users, one of them with addresses of two messengers and one without, and three
// groups, one of them empty.
var people = directory.Snapshot{
	Users: []directory.User{
		{Nickname: "a", Addresses: []directory.Address{addressBy("sms", "a"), slack("a")}},
		{Nickname: "b", Addresses: []directory.Address{slack("b")}},
		{Nickname: "c"},
		{Nickname: "d", Addresses: []directory.Address{slack("d")}},
	},
	Groups: []directory.Membership{
		{Group: "ops", Members: []string{"d", "a", "c", "a"}},
		{Group: "a", Members: []string{"b"}},
		{Group: "empty"},
	},
}

func filled(t testing.TB, d directory.Directory, snapshot directory.Snapshot) {
	t.Helper()
	done, err := d.Fill(t.Context(), snapshot)
	kittest.NoError(t, err)
	kittest.Equal(t, done, true)
}

func testFind(t *testing.T, d directory.Directory) {
	filled(t, d, people)
	for _, want := range []struct {
		targets []string
		found   []string
		unknown []string
	}{
		{[]string{"@a"}, []string{"a sms", "a slack"}, nil},
		{[]string{"@b", "@a", "@b"}, []string{"b slack", "a sms", "a slack"}, nil},
		{[]string{"@@ops"}, []string{"a sms", "a slack", "d slack"}, nil},
		{[]string{"@@a", "@@ops", "@b", "@a"}, []string{"b slack", "a sms", "a slack", "d slack"}, nil},
		{[]string{"@d", "@all"}, []string{"d slack", "a sms", "a slack", "b slack"}, nil},
		{[]string{"@all", "@x"}, []string{"a sms", "a slack", "b slack", "d slack"}, []string{"@x"}},
		{[]string{"@c", "@@empty"}, nil, nil},
		{[]string{"@x", "@@x", "@b", "@x", "@A", "@@Ops", "@ops"}, []string{"b slack"}, []string{"@x", "@@x", "@A", "@@Ops", "@ops"}},
		{nil, nil, nil},
	} {
		t.Run(fmt.Sprint(want.targets), func(t *testing.T) {
			found, unknown, err := d.Find(t.Context(), targets(t, want.targets...))
			kittest.NoError(t, err)
			var got []string
			for _, r := range found {
				got = append(got, r.Nickname+" "+r.Address.Messenger)
				kittest.Equal(t, r.Address, addressWithID(r.Address.ID, addressBy(r.Address.Messenger, r.Nickname)))
			}
			kittest.Equal(t, got, want.found)
			var missed []string
			for _, to := range unknown {
				missed = append(missed, to.String())
			}
			kittest.Equal(t, missed, want.unknown)
		})
	}
}

func testFindNobody(t *testing.T, d directory.Directory) {
	found, unknown, err := d.Find(t.Context(), targets(t, "@all", "@@ops", "@kim"))
	kittest.NoError(t, err)
	kittest.Equal(t, len(found), 0)
	kittest.Equal(t, unknown, targets(t, "@@ops", "@kim"))
}

// testFindMany checks lookups with the maximum number of targets, and with far more users than a
// statement has parameters.
func testFindMany(t *testing.T, d directory.Directory) {
	if testing.Short() {
		t.Skip("many rows take long under the race detector")
	}
	const few = 10_000
	many := testenv.Pick(40_000, 100_000)
	crowd := directory.Snapshot{Groups: []directory.Membership{{Group: "crowd"}}}
	var named []string
	for i := range many {
		name := fmt.Sprintf("user%d", i)
		crowd.Users = append(crowd.Users, directory.User{Nickname: name, Addresses: []directory.Address{slack(name)}})
		crowd.Groups[0].Members = append(crowd.Groups[0].Members, name)
		switch {
		case i >= few:
		case i%2 == 0:
			named = append(named, "@"+name)
		default:
			named = append(named, "@no"+name)
		}
	}
	filled(t, d, crowd)
	for _, everybody := range []string{"@all", "@@crowd"} {
		found, _, err := d.Find(t.Context(), targets(t, everybody))
		kittest.NoError(t, err)
		kittest.Equal(t, len(found), many)
		kittest.Equal(t, found[many-1].Nickname, fmt.Sprintf("user%d", many-1))
	}
	found, unknown, err := d.Find(t.Context(), targets(t, named...))
	kittest.NoError(t, err)
	kittest.Equal(t, len(found), few/2)
	kittest.Equal(t, found[1].Nickname, "user2")
	kittest.Equal(t, len(unknown), few/2)
}

func testFill(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	filled(t, d, people)
	done, err := d.Fill(ctx, people)
	kittest.NoError(t, err)
	kittest.Equal(t, done, false)
	users, err := d.Users(ctx, 0, 0)
	kittest.NoError(t, err)
	for i, u := range users {
		kittest.Equal(t, []any{u.ID, u.Nickname}, []any{i + 1, people.Users[i].Nickname})
	}
	groups, err := d.Groups(ctx, 0, 0, "")
	kittest.NoError(t, err)
	kittest.Equal(t, groups, []directory.Group{{ID: 1, Name: "ops"}, {ID: 2, Name: "a"}, {ID: 3, Name: "empty"}})
	_, members, err := d.Members(ctx, 1)
	kittest.NoError(t, err)
	kittest.Equal(t, members, []directory.User{{ID: 1, Nickname: "a"}, {ID: 3, Nickname: "c"}, {ID: 4, Nickname: "d"}})
}

// testFillBad checks that contradictory contents are refused as a whole.
func testFillBad(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	kim := directory.User{Nickname: "kim", Addresses: []directory.Address{slack("kim")}}
	kittest.Error(t, kittest.ErrorOf(d.Fill(ctx, directory.Snapshot{Users: []directory.User{kim, kim}})), fault.ErrExists, "nickname")
	kittest.Error(t, kittest.ErrorOf(d.Fill(ctx, directory.Snapshot{Users: []directory.User{{Nickname: "kim", Addresses: []directory.Address{slack("a"), slack("b")}}}})),
		fault.ErrExists, "messenger")
	kittest.Error(t, kittest.ErrorOf(d.Fill(ctx, directory.Snapshot{Users: []directory.User{kim}, Groups: []directory.Membership{{Group: "g"}, {Group: "g"}}})),
		fault.ErrExists, "group")
	kittest.Error(t, kittest.ErrorOf(d.Fill(ctx, directory.Snapshot{Users: []directory.User{kim}, Groups: []directory.Membership{{Group: "g", Members: []string{"lee"}}}})),
		fault.ErrNotFound, `"lee"`)
	kittest.Error(t, kittest.ErrorOf(d.Fill(ctx, directory.Snapshot{Users: []directory.User{{Nickname: ""}}})), fault.ErrInvalid, "nickname")
	users, err := d.Users(ctx, 0, 0)
	kittest.NoError(t, err)
	kittest.Equal(t, len(users), 0)
	groups, err := d.Groups(ctx, 0, 0, "")
	kittest.NoError(t, err)
	kittest.Equal(t, len(groups), 0)
	filled(t, d, people)
}

func testFillAtOnce(t *testing.T, d directory.Directory) {
	const many = 10
	did := make([]bool, many)
	for _, err := range kittest.Concurrently(many, func(i int) (err error) {
		did[i], err = d.Fill(t.Context(), people)
		return err
	}) {
		kittest.NoError(t, err)
	}
	won := 0
	for _, filled := range did {
		if filled {
			won++
		}
	}
	kittest.Equal(t, won, 1)
	users, err := d.Users(t.Context(), 0, 0)
	kittest.NoError(t, err)
	kittest.Equal(t, len(users), len(people.Users))
}
