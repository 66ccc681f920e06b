package storetest

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
)

// now is the time of the tests. Stores keep microseconds.
var now = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

// key returns a key with some values.
func key(id string) access.Key {
	return access.Key{ID: id, SecretHash: bytes.Repeat([]byte{7}, 32), Name: "of " + id, Role: "sender", CreateTime: now}
}

func testKeys(t *testing.T, s access.Store) {
	ctx := t.Context()
	full := key("a")
	full.Nickname, full.ExpireTime = "kim", now.Add(time.Hour)
	full.AllowedAddresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("0.0.0.0/0")}
	kittest.NoError(t, s.AddKey(ctx, full))
	kittest.NoError(t, s.AddKey(ctx, key("b")))
	kittest.Error(t, s.AddKey(ctx, key("a")), fault.ErrExists, "key a")

	got, err := s.Key(ctx, "a")
	kittest.NoError(t, err)
	kittest.Equal(t, got, full)
	got, err = s.Key(ctx, "b")
	kittest.NoError(t, err)
	kittest.Equal(t, got, key("b"))
	for _, id := range []string{"c", "A", ""} {
		_, err = s.Key(ctx, id)
		kittest.Error(t, err, fault.ErrNotFound, "not found")
	}
}

func testKeyPages(t *testing.T, s access.Store) {
	ctx := t.Context()
	none, err := s.Keys(ctx, "", 10)
	kittest.NoError(t, err)
	kittest.Equal(t, len(none), 0)
	var all []access.Key
	for i := range 7 {
		all = append(all, key(fmt.Sprintf("k%d", i)))
	}
	for _, i := range []int{3, 6, 0, 1, 5, 4, 2} {
		kittest.NoError(t, s.AddKey(ctx, all[i]))
	}
	for _, page := range []struct {
		after    string
		limit    int
		from, to int
	}{{"", 10, 0, 7}, {"", 3, 0, 3}, {"k2", 3, 3, 6}, {"k4", 3, 5, 7}, {"k20", 1, 3, 4}} {
		got, err := s.Keys(ctx, page.after, page.limit)
		kittest.NoError(t, err)
		kittest.Equal(t, got, all[page.from:page.to])
	}
	got, err := s.Keys(ctx, "k6", 3)
	kittest.NoError(t, err)
	kittest.Equal(t, len(got), 0)
}

func testInvalidKeys(t *testing.T, s access.Store) {
	ctx := t.Context()
	for field, change := range map[string]func(*access.Key){
		"id":       func(k *access.Key) { k.ID = "" },
		"name":     func(k *access.Key) { k.Name = strings.Repeat("é", 101) },
		"role":     func(k *access.Key) { k.Role = "" },
		"nickname": func(k *access.Key) { k.Nickname = "a\x00b" },
	} {
		k := key("a")
		change(&k)
		kittest.Error(t, s.AddKey(ctx, k), fault.ErrInvalid, field)
	}
	k := key("a")
	k.SecretHash = []byte("short")
	if err := s.AddKey(ctx, k); err == nil {
		t.Error("a key without a whole hash is stored")
	}
	got, err := s.Keys(ctx, "", 10)
	kittest.NoError(t, err)
	kittest.Equal(t, len(got), 0)
}

func testFirstKey(t *testing.T, s access.Store) {
	ctx := t.Context()
	added, err := s.AddFirstKey(ctx, key("a"))
	kittest.NoError(t, err)
	kittest.Equal(t, added, true)
	kittest.NoError(t, s.RevokeKey(ctx, "a", now))
	for _, id := range []string{"a", "b"} {
		added, err = s.AddFirstKey(ctx, key(id))
		kittest.NoError(t, err)
		kittest.Equal(t, added, false)
	}
	got, err := s.Keys(ctx, "", 10)
	kittest.NoError(t, err)
	kittest.Equal(t, len(got), 1)
}

func testFirstKeyAtOnce(t *testing.T, s access.Store) {
	ctx := t.Context()
	const callers = 8
	var added [callers]bool
	for _, err := range kittest.Concurrently(callers, func(i int) (err error) {
		added[i], err = s.AddFirstKey(ctx, key(fmt.Sprint(i)))
		return err
	}) {
		kittest.NoError(t, err)
	}
	got, err := s.Keys(ctx, "", 10)
	kittest.NoError(t, err)
	kittest.Equal(t, len(got), 1)
	for i, is := range added {
		kittest.Equal(t, is, fmt.Sprint(i) == got[0].ID)
	}
}

func testRevoke(t *testing.T, s access.Store) {
	ctx := t.Context()
	kittest.NoError(t, s.AddKey(ctx, key("a")))
	kittest.NoError(t, s.AddKey(ctx, key("b")))
	kittest.Error(t, s.RevokeKey(ctx, "c", now), fault.ErrNotFound, `key "c"`)
	kittest.NoError(t, s.RevokeKey(ctx, "a", now))
	kittest.NoError(t, s.RevokeKey(ctx, "a", now.Add(time.Hour)))
	want := key("a")
	want.RevokeTime = now
	got, err := s.Keys(ctx, "", 10)
	kittest.NoError(t, err)
	kittest.Equal(t, got, []access.Key{want, key("b")})
}

func testKeyUses(t *testing.T, s access.Store) {
	ctx := t.Context()
	kittest.NoError(t, s.AddKey(ctx, key("a")))
	kittest.NoError(t, s.AddKey(ctx, key("b")))
	later := now.Add(time.Minute)
	kittest.NoError(t, s.RecordKeyUses(ctx, []access.KeyUse{{ID: "b", Time: later}, {ID: "nobody", Time: now}, {ID: "a", Time: now}}))
	kittest.NoError(t, s.RecordKeyUses(ctx, []access.KeyUse{{ID: "b", Time: now}})) // from a slower edge
	for id, want := range map[string]time.Time{"a": now, "b": later} {
		got, err := s.Key(ctx, id)
		kittest.NoError(t, err)
		kittest.Equal(t, got.LastUseTime, want)
	}
}

func testKeyUsesAtOnce(t *testing.T, s access.Store) {
	ctx := t.Context()
	var uses, reversed []access.KeyUse
	for i := range 20 {
		k := key(fmt.Sprint(i))
		kittest.NoError(t, s.AddKey(ctx, k))
		uses = append(uses, access.KeyUse{ID: k.ID, Time: now})
		reversed = append([]access.KeyUse{{ID: k.ID, Time: now}}, reversed...)
	}
	for _, err := range kittest.Concurrently(8, func(i int) error {
		if i%2 == 0 {
			return s.RecordKeyUses(ctx, uses)
		}
		return s.RecordKeyUses(ctx, reversed)
	}) {
		kittest.NoError(t, err)
	}
	all, err := s.Keys(ctx, "", 100)
	kittest.NoError(t, err)
	for _, k := range all {
		kittest.Equal(t, k.LastUseTime, now)
	}
}
