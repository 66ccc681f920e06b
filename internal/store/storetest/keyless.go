package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/group"
)

// testKeyless checks that addresses without fingerprint are listed by page, and that a fingerprint is
// set once, unless the address was replaced meanwhile.
func testKeyless(t *testing.T, d group.Directory) {
	ctx := t.Context()
	bare := func(name string) group.Address {
		a := slack(name)
		a.CredentialKey = ""
		return a
	}
	filled(t, d, group.Contents{Users: []group.User{
		{Nickname: "a", Addresses: []group.Address{bare("a")}},
		{Nickname: "b", Addresses: []group.Address{slack("b")}},
		{Nickname: "c", Addresses: []group.Address{bare("c")}},
		{Nickname: "d", Addresses: []group.Address{bare("d")}},
	}})
	page := func(after, limit int) (addresses []group.Address) {
		t.Helper()
		got, err := d.Keyless(ctx, after, limit)
		must(t, err)
		for _, r := range got {
			same(t, r.Nickname+"_CHANNEL", r.Address.Destination)
			addresses = append(addresses, r.Address)
		}
		return addresses
	}
	same(t, page(0, 2), []group.Address{with(1, bare("a")), with(3, bare("c"))})
	same(t, page(3, 2), []group.Address{with(4, bare("d"))})

	late := page(0, 9)
	fresh := with(3, bare("new"))
	fresh.Destination = "c_CHANNEL"
	must(t, second(d.ReplaceAddress(ctx, "c", fresh)))
	must(t, d.RemoveAddress(ctx, "d", 4))
	for i := range late {
		late[i].CredentialKey = "one"
	}
	must(t, d.SetKeys(ctx, late))
	same(t, page(0, 9), []group.Address{fresh})
	late[0].CredentialKey = "two"
	must(t, d.SetKeys(ctx, late))
	must(t, d.SetKeys(ctx, nil))
	found, _, err := d.Find(ctx, targets(t, "@a", "@b", "@c"))
	must(t, err)
	same(t, []string{found[0].Address.CredentialKey, found[1].Address.CredentialKey, found[2].Address.CredentialKey}, []string{"one", "key of b", ""})

	long := bare("long")
	long.CredentialKey = string(make([]byte, 65))
	is(t, second(d.AddAddress(ctx, "d", long)), fault.ErrInvalid, "credential_key")
}
