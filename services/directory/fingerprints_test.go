package directory_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/directory"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
)

func newKey(t testing.TB) *seal.Keyring {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	must(t, sealkey.Format.CreateKeyFile(path))
	key, err := sealkey.Format.ReadKeyFile(path)
	must(t, err)
	return key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFillFingerprints stores the missing fingerprints of a directory from an older version,
// except for one address that cannot be opened. A lookup then returns them as for a new
// address.
func TestFillFingerprints(t *testing.T) {
	store, err := directorystore.Open(t.Context(), filepath.Join(t.TempDir(), "directory.db"))
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	key, other := newKey(t), newKey(t)
	const many = 1203
	var old directory.Snapshot
	for i := range many {
		with := key
		if i == 700 {
			with = other
		}
		token := fmt.Sprintf("xoxb-%d", i%400) // some share a credential
		sealed, err := with.Seal(token, "slack")
		must(t, err)
		old.Users = append(old.Users, directory.User{Nickname: fmt.Sprintf("u%d", i), Addresses: []directory.Address{{Messenger: "slack", SealedCredential: sealed, Destination: "C"}}})
	}
	_, err = store.Fill(t.Context(), old)
	must(t, err)

	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	for range 2 {
		must(t, directory.FillFingerprints(t.Context(), store, key, log))
	}
	if got := logged.String(); !strings.Contains(got, "addresses=1202") || strings.Count(got, "cannot be opened") != 2 || strings.Contains(got, "xoxb") {
		t.Errorf("log is %s", got)
	}
	lookup := &directory.LookupHandler{Finder: store, Key: key}
	found, err := lookup.LookUp(t.Context(), &userv1.LookUpRequest{Target: []string{"@all"}})
	must(t, err)
	if n := len(found.GetRecipients()); n != many {
		t.Fatalf("%d recipients, want %d", n, many)
	}
	for i, r := range found.GetRecipients() {
		want := key.Fingerprint("slack", fmt.Sprintf("xoxb-%d", i%400))
		if i == 700 {
			want = ""
		}
		if r.GetCredentialKey() != want {
			t.Errorf("fingerprint of %s is %q, want %q", r.GetNickName(), r.GetCredentialKey(), want)
		}
	}
}

// TestFingerprintsAtEntry proves that an address has its credential fingerprint from the time
// it is stored, whichever request stores it, and that UserService never returns it.
func TestFingerprintsAtEntry(t *testing.T) {
	store, err := directorystore.Open(t.Context(), filepath.Join(t.TempDir(), "directory.db"))
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	key := newKey(t)
	demo, err := directory.DemoData(key)
	must(t, err)
	_, err = store.Fill(t.Context(), demo)
	must(t, err)
	users := &directory.UserHandler{Users: store, Key: key, Specs: all.Specs()}
	address := &userv1.NewAddress{Messenger: "slack", Credential: "xoxb-1", Destination: "C1"}
	_, err = users.CreateUser(t.Context(), &userv1.CreateUserRequest{NickName: "a", Addresses: []*userv1.NewAddress{address}})
	must(t, err)
	_, err = users.CreateUser(t.Context(), &userv1.CreateUserRequest{NickName: "b"})
	must(t, err)
	added, err := users.AddUserAddress(t.Context(), &userv1.AddUserAddressRequest{NickName: "b", Address: address})
	must(t, err)
	keys := func(want ...string) {
		t.Helper()
		found, err := (&directory.LookupHandler{Finder: store, Key: key}).LookUp(t.Context(), &userv1.LookUpRequest{Target: []string{"@user3", "@a", "@b"}})
		must(t, err)
		for i, r := range found.GetRecipients() {
			if got := r.GetCredentialKey(); got != key.Fingerprint("slack", want[i]) {
				t.Errorf("fingerprint of %s is %q, not that of its credential", r.GetNickName(), got)
			}
		}
	}
	keys("SLACK-USER3-TOKEN", "xoxb-1", "xoxb-1")
	address.Credential = "xoxb-2"
	_, err = users.ReplaceUserAddress(t.Context(), &userv1.ReplaceUserAddressRequest{NickName: "b", Id: added.GetAddress().GetId(), Address: address})
	must(t, err)
	keys("SLACK-USER3-TOKEN", "xoxb-1", "xoxb-2")
	shown, err := users.GetUser(t.Context(), &userv1.GetUserRequest{NickName: "b"})
	must(t, err)
	if strings.Contains(shown.String(), key.Fingerprint("slack", "xoxb-2")) {
		t.Errorf("response holds the fingerprint: %s", shown)
	}
}
