package directory_test

import (
	"log/slog"
	"testing"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/directory"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
)

// sealOwner returns an owner with the messenger label.
func sealOwner(nickname, destination string) seal.Owner {
	return seal.Owner{Name: nickname, Service: "label", Address: destination}
}

// secretOf returns the credential of a user's first address, opened for that address.
func secretOf(t *testing.T, store *directorystore.Store, key *seal.Keyring, nickname string) string {
	t.Helper()
	u, err := store.User(t.Context(), nickname)
	must(t, err)
	a := u.Addresses[0]
	if !seal.IsSealedForOwner(a.SealedCredential) {
		t.Errorf("%s's credential is not sealed for its address", nickname)
	}
	secret, err := key.OpenForOwner(a.SealedCredential, seal.Owner{Name: u.Nickname, Service: a.Messenger, Address: a.Destination})
	must(t, err)
	return secret
}

// TestSealedForItsAddress proves that a sealed credential does not open in another row
// of the directory, and that every change of an address reseals it.
func TestSealedForItsAddress(t *testing.T) {
	h := newHandlers(t)
	store, key, ctx := h.users.Users.(*directorystore.Store), h.users.Key, t.Context()
	add := func(name, destination string) int32 {
		t.Helper()
		res, err := h.users.CreateUser(ctx, &userv1.CreateUserRequest{NickName: name, Addresses: []*userv1.NewAddress{
			{Messenger: "label", Destination: destination, Credential: "s3cret-" + name},
		}})
		must(t, err)
		return res.GetUser().GetAddresses()[0].GetId()
	}
	add("kim", "C1")
	thief := add("thief", "C1")
	kim, err := store.User(ctx, "kim")
	must(t, err)
	_, err = store.ReplaceAddress(ctx, "thief", directory.Address{ID: int(thief), Messenger: "label", SealedCredential: kim.Addresses[0].SealedCredential, Destination: "C1"})
	must(t, err)
	if list, err := h.lookup.GetUserList(ctx, &userinfo.NicknameOrTeam{Name: []string{"@thief"}}); err == nil {
		t.Errorf("kim's credential opens in the thief's row: %v", list)
	}
	moved := kim.Addresses[0]
	moved.Destination = "elsewhere"
	_, err = store.ReplaceAddress(ctx, "kim", moved)
	must(t, err)
	if list, err := h.lookup.GetUserList(ctx, &userinfo.NicknameOrTeam{Name: []string{"@kim"}}); err == nil {
		t.Errorf("kim's credential opens for another destination: %v", list)
	}
	moved.Destination = "C1"
	_, err = store.ReplaceAddress(ctx, "kim", moved)
	must(t, err)

	_, err = h.users.UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: "kim", NewNickName: "lee"})
	must(t, err)
	if got := secretOf(t, store, key, "lee"); got != "s3cret-kim" {
		t.Errorf("credential after rename is %q", got)
	}
	res, err := h.lookup.MoveAddresses(ctx, &userv1.MoveAddressesRequest{Messenger: "label", CredentialKey: key.Fingerprint("label", "s3cret-kim"), From: "C1", To: "C2"})
	must(t, err)
	if got := secretOf(t, store, key, "lee"); got != "s3cret-kim" || res.GetMovedCount() != 1 {
		t.Errorf("credential after move is %q, moved count %d", got, res.GetMovedCount())
	}
	_, err = h.whole.ImportDirectory(ctx, &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("lee", address("label", "C3", ""))}})
	must(t, err)
	if got := secretOf(t, store, key, "lee"); got != "s3cret-kim" {
		t.Errorf("credential after import of another destination is %q", got)
	}
	lee, err := store.User(ctx, "lee")
	must(t, err)
	_, err = h.users.ReplaceUserAddress(ctx, &userv1.ReplaceUserAddressRequest{NickName: "lee", Id: int32(lee.Addresses[0].ID), Address: &userv1.NewAddress{Messenger: "label", Destination: "C4", Credential: "s3cret-new"}})
	must(t, err)
	if got := secretOf(t, store, key, "lee"); got != "s3cret-new" {
		t.Errorf("credential after replacement is %q", got)
	}
}

// TestOlderSealIsResealedForItsAddress proves that a credential that is sealed for its
// messenger alone opens, and is resealed for its address.
func TestOlderSealIsResealedForItsAddress(t *testing.T) {
	store, key := openDirectory(t)
	addSealed(t, store, "kim", key) // for the messenger
	lookup := &directory.LookupHandler{Finder: store, Sealing: store, Key: key}
	opens := func() {
		t.Helper()
		list, err := lookup.GetUserList(t.Context(), &userinfo.NicknameOrTeam{Name: []string{"@kim"}})
		must(t, err)
		if len(list.GetUser()) != 1 || list.GetUser()[0].GetToken() != "s3cret-kim" {
			t.Errorf("%v", list)
		}
	}
	opens()
	must(t, directory.ResealAll(t.Context(), store, key, slog.New(slog.DiscardHandler)))
	opens()
	if got := secretOf(t, store, key, "kim"); got != "s3cret-kim" {
		t.Errorf("credential is %q", got)
	}
	// Credentials under one seal key in both formats are counted together.
	addSealed(t, store, "lee", key)
	res, err := lookup.GetSeal(t.Context(), &userv1.GetSealRequest{})
	must(t, err)
	if len(res.GetAddresses()) != 1 || res.GetAddresses()[0].GetCount() != 2 {
		t.Errorf("%v", res.GetAddresses())
	}
}
