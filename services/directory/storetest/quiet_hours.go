package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/directory"
)

// quietUntil returns quiet hours from midnight to a time of each Monday to Friday.
func quietUntil(end string) *quiethours.Hours {
	return &quiethours.Hours{
		Intervals: []quiethours.Interval{{Weekdays: []string{"monday:friday"}, Times: []quiethours.TimeRange{{Start: "00:00", End: end}}}},
		TimeZone:  "Asia/Seoul", MinSeverity: "high",
	}
}

// testQuietHours checks that the quiet hours of a user are kept until others are set, and that
// lookups and snapshots have them.
func testQuietHours(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	filled(t, d, directory.Snapshot{
		Users: []directory.User{
			{Nickname: "a", QuietHours: quietUntil("06:00"), Addresses: []directory.Address{slack("a"), addressBy("sms", "a")}},
			{Nickname: "b", Addresses: []directory.Address{slack("b")}},
		},
		Groups: []directory.Membership{{Group: "g", Members: []string{"a", "b"}}},
	})
	c, err := d.AddUser(ctx, directory.User{Nickname: "c", QuietHours: quietUntil("05:00"), Addresses: []directory.Address{slack("c")}})
	kittest.NoError(t, err)
	kittest.Equal(t, c.QuietHours, quietUntil("05:00"))

	// hours checks the quiet hours of a, b and c, by nickname, in all reads.
	hours := func(want ...*quiethours.Hours) {
		t.Helper()
		byName := map[string]*quiethours.Hours{"a": want[0], "b": want[1], "c": want[2]}
		users, err := d.Users(ctx, 0, 0)
		kittest.NoError(t, err)
		all, err := d.Snapshot(ctx)
		kittest.NoError(t, err)
		for _, u := range append(users, all.Users...) {
			kittest.Equal(t, u.QuietHours, byName[u.Nickname])
		}
		kittest.Equal(t, len(users)+len(all.Users), 6)
		for _, texts := range [][]string{{"@all"}, {"@@g", "@c"}, {"@@g", "@c"}} { // the second one from the cache
			found, _, err := d.Find(ctx, targets(t, texts...))
			kittest.NoError(t, err)
			kittest.Equal(t, len(found), 4)
			for _, r := range found {
				kittest.Equal(t, r.QuietHours, byName[r.Nickname])
			}
		}
	}
	hours(quietUntil("06:00"), nil, quietUntil("05:00"))

	set := func(nickname string, change directory.UserChange) {
		t.Helper()
		_, err := d.ChangeUser(ctx, nickname, change)
		kittest.NoError(t, err)
	}
	set("a", directory.UserChange{Failover: new(true)})
	hours(quietUntil("06:00"), nil, quietUntil("05:00"))
	set("b", directory.UserChange{QuietHours: new(quietUntil("04:00"))})
	hours(quietUntil("06:00"), quietUntil("04:00"), quietUntil("05:00"))
	var none *quiethours.Hours
	set("a", directory.UserChange{QuietHours: &none})
	hours(nil, quietUntil("04:00"), quietUntil("05:00"))
	a, err := d.User(ctx, "a")
	kittest.NoError(t, err)
	kittest.Equal(t, a.Failover, true)

	changed(t, d, directory.Changes{SetUsers: []directory.User{
		{ID: a.ID, Failover: true, QuietHours: quietUntil("03:00")}, {ID: c.ID}, {ID: 2, QuietHours: quietUntil("03:00")},
	}})
	hours(quietUntil("03:00"), quietUntil("03:00"), nil)
}
