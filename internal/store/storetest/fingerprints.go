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
		a.CredentialFingerprint = ""
		return a
	}
	filled(t, d, group.Snapshot{Users: []group.User{
		{Nickname: "a", Addresses: []group.Address{bare("a")}},
		{Nickname: "b", Addresses: []group.Address{slack("b")}},
		{Nickname: "c", Addresses: []group.Address{bare("c")}},
		{Nickname: "d", Addresses: []group.Address{bare("d")}},
	}})
	page := func(after, limit int) (addresses []group.Address) {
		t.Helper()
		got, err := d.WithoutFingerprint(ctx, after, limit)
		requireNoError(t, err)
		for _, r := range got {
			requireEqual(t, r.Nickname+"_CHANNEL", r.Address.Destination)
			addresses = append(addresses, r.Address)
		}
		return addresses
	}
	requireEqual(t, page(0, 2), []group.Address{addressWithID(1, bare("a")), addressWithID(3, bare("c"))})
	requireEqual(t, page(3, 2), []group.Address{addressWithID(4, bare("d"))})

	late := page(0, 9)
	fresh := addressWithID(3, bare("new"))
	fresh.Destination = "c_CHANNEL"
	requireNoError(t, errorOf(d.ReplaceAddress(ctx, "c", fresh)))
	requireNoError(t, d.RemoveAddress(ctx, "d", 4))
	for i := range late {
		late[i].CredentialFingerprint = "one"
	}
	requireNoError(t, d.SetFingerprints(ctx, late))
	requireEqual(t, page(0, 9), []group.Address{fresh})
	late[0].CredentialFingerprint = "two"
	requireNoError(t, d.SetFingerprints(ctx, late))
	requireNoError(t, d.SetFingerprints(ctx, nil))
	found, _, err := d.Find(ctx, targets(t, "@a", "@b", "@c"))
	requireNoError(t, err)
	requireEqual(t, []string{found[0].Address.CredentialFingerprint, found[1].Address.CredentialFingerprint, found[2].Address.CredentialFingerprint}, []string{"one", "key of b", ""})

	long := bare("long")
	long.CredentialFingerprint = string(make([]byte, 65))
	requireError(t, errorOf(d.AddAddress(ctx, "d", long)), fault.ErrInvalid, "credential_key")
}
