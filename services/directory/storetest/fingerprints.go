package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/directory"
)

// testWithoutFingerprint checks that addresses without fingerprint are listed by page, and that a fingerprint is
// set once, unless the address was replaced meanwhile.
func testWithoutFingerprint(t *testing.T, d directory.Directory) {
	ctx := t.Context()
	bare := func(name string) directory.Address {
		a := slack(name)
		a.CredentialFingerprint = ""
		return a
	}
	filled(t, d, directory.Snapshot{Users: []directory.User{
		{Nickname: "a", Addresses: []directory.Address{bare("a")}},
		{Nickname: "b", Addresses: []directory.Address{slack("b")}},
		{Nickname: "c", Addresses: []directory.Address{bare("c")}},
		{Nickname: "d", Addresses: []directory.Address{bare("d")}},
	}})
	page := func(after, limit int) (addresses []directory.Address) {
		t.Helper()
		got, err := d.WithoutFingerprint(ctx, after, limit)
		kittest.NoError(t, err)
		for _, r := range got {
			kittest.Equal(t, r.Nickname+"_CHANNEL", r.Address.Destination)
			addresses = append(addresses, r.Address)
		}
		return addresses
	}
	kittest.Equal(t, page(0, 2), []directory.Address{addressWithID(1, bare("a")), addressWithID(3, bare("c"))})
	kittest.Equal(t, page(3, 2), []directory.Address{addressWithID(4, bare("d"))})

	late := page(0, 9)
	fresh := addressWithID(3, bare("new"))
	fresh.Destination = "c_CHANNEL"
	kittest.NoError(t, kittest.ErrorOf(d.ReplaceAddress(ctx, "c", fresh)))
	kittest.NoError(t, d.RemoveAddress(ctx, "d", 4))
	for i := range late {
		late[i].CredentialFingerprint = "one"
	}
	kittest.NoError(t, d.SetFingerprints(ctx, late))
	kittest.Equal(t, page(0, 9), []directory.Address{fresh})
	late[0].CredentialFingerprint = "two"
	kittest.NoError(t, d.SetFingerprints(ctx, late))
	kittest.NoError(t, d.SetFingerprints(ctx, nil))
	found, _, err := d.Find(ctx, targets(t, "@a", "@b", "@c"))
	kittest.NoError(t, err)
	kittest.Equal(t, []string{found[0].Address.CredentialFingerprint, found[1].Address.CredentialFingerprint, found[2].Address.CredentialFingerprint}, []string{"one", "key of b", ""})

	long := bare("long")
	long.CredentialFingerprint = string(make([]byte, 65))
	kittest.Error(t, kittest.ErrorOf(d.AddAddress(ctx, "d", long)), fault.ErrInvalid, "credential_key")
}
