package directory_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/directory"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
)

// specs has a messenger whose destination is a label, and one whose destination is the
// URL that the credential is sent to.
var specs = []messenger.Spec{
	{Name: "label", Credential: messenger.Setting{Hint: "a token", Secret: true}},
	{Name: "url", Credential: messenger.Setting{Hint: "a token", Secret: true}, Destination: messenger.Setting{URL: true}},
	{Name: "open", Credential: messenger.Setting{Optional: true, Secret: true}},
}

// openDirectory opens an empty directory with a seal key, in a temporary folder.
func openDirectory(t testing.TB) (*directorystore.Store, *seal.Keyring) {
	t.Helper()
	store, err := directorystore.Open(t.Context(), filepath.Join(t.TempDir(), "directory.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, newKey(t)
}

func transfers(t testing.TB) (*directory.TransferHandler, *seal.Keyring) {
	t.Helper()
	store, key := openDirectory(t)
	return &directory.TransferHandler{Snapshots: store, Users: &directory.UserHandler{Users: store, Key: key, Specs: specs}}, key
}

func user(name string, addresses ...*userv1.TransferAddress) *userv1.TransferUser {
	return &userv1.TransferUser{NickName: name, Addresses: addresses}
}

func address(messenger, destination, credential string) *userv1.TransferAddress {
	return &userv1.TransferAddress{Messenger: messenger, Destination: destination, Credential: credential}
}

// imports runs an import that must succeed.
func imports(t testing.TB, h *directory.TransferHandler, req *userv1.ImportDirectoryRequest) *userv1.ImportDirectoryResponse {
	t.Helper()
	res, err := h.ImportDirectory(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// secrets returns the credentials of an export in the clear, opened with the seal key,
// by nickname, messenger and destination.
func secrets(t testing.TB, h *directory.TransferHandler, key *seal.Keyring) map[string]string {
	t.Helper()
	res, err := h.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{WithSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, u := range res.GetUsers() {
		for _, a := range u.GetAddresses() {
			secret, err := key.Open(a.GetSealedCredential(), seal.ExportPurpose(u.GetNickName(), a.GetMessenger(), a.GetDestination()))
			if err != nil {
				t.Fatal(err)
			}
			all[u.GetNickName()+" "+a.GetMessenger()+" "+a.GetDestination()] = secret
		}
	}
	return all
}

// TestImportBad proves that an import with problems changes nothing.
func TestImportBad(t *testing.T) {
	h, _ := transfers(t)
	there := &userv1.ImportDirectoryRequest{
		Users: []*userv1.TransferUser{
			user("kim", address("label", "x", "s3cret"), address("url", "https://a.example", "s3cret")),
			user("lee"),
		},
		Groups: []*userv1.TransferGroup{{GroupName: "ops", Members: []string{"kim"}}},
	}
	imports(t, h, there)
	before, err := h.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{})
	if err != nil {
		t.Fatal(err)
	}
	lined := user("", address("", "", ""))
	lined.Line, lined.Addresses[0].Line = 3, 4
	twice := user("kim", address("label", "x", ""), address("label", "y", ""))
	sealed := address("label", "x", "s3cret")
	sealed.SealedCredential = []byte("sealed")
	for name, test := range map[string]struct {
		req      *userv1.ImportDirectoryRequest
		wantText []string
	}{
		"names and lines":      {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{lined}}, []string{`line 3: user "": nick_name: `, `line 4: user "", address by "": messenger: `}},
		"without lines":        {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("kim"), user("@x", address("label", "\x00", "s3cret"))}}, []string{`users[1]: user "@x": nick_name: `, `users[1].addresses[0]: user "@x", address by "label": destination: `}},
		"a new one, no secret": {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("new", address("label", "x", ""))}}, []string{"credential: must be given: a token"}},
		"one more, no secret":  {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("lee", address("label", "x", ""))}}, []string{"credential: must be given: a token"}},
		"no such messenger":    {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("lee", address("pigeon", "x", "s3cret"))}}, []string{`messenger: unknown messenger "pigeon"`}},
		"an address twice":     {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{twice}}, []string{"messenger: at most one address by label"}},
		"a secret twice":       {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("kim", sealed)}}, []string{"credential: set only one"}},
		"sealed otherwise": {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("kim", &userv1.TransferAddress{
			Messenger: "label", Destination: "x", SealedCredential: []byte("rubbish"),
		})}}, []string{"sealed_credential: sealed under another seal key"}},
		"a kept secret would go elsewhere": {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("kim", address("url", "https://evil.example", ""))}}, []string{"credential: required, because the destination"}},
		"http":                             {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("kim", address("url", "http://a.example", "s3cret"))}}, []string{"destination: must be an encrypted URL"}},
		"users twice":                      {&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("a"), user("a")}}, []string{`users[1]: user "a": nick_name: duplicate`}},
		"groups twice":                     {&userv1.ImportDirectoryRequest{Groups: []*userv1.TransferGroup{{GroupName: "a"}, {GroupName: "a"}}}, []string{`groups[1]: group "a": group_name: duplicate`}},
		"nobody":                           {&userv1.ImportDirectoryRequest{Groups: []*userv1.TransferGroup{{GroupName: "a", Members: []string{"x"}}}}, []string{`members: unknown user "x"`}},
		"prune all":                        {&userv1.ImportDirectoryRequest{Prune: true}, []string{"prune would delete all users"}},
		"prune a member": {&userv1.ImportDirectoryRequest{Prune: true, Users: []*userv1.TransferUser{user("kim")}, Groups: []*userv1.TransferGroup{{GroupName: "a", Members: []string{"lee"}}}},
			[]string{`members: user "lee" is not in the import file`}},
		"very many": {&userv1.ImportDirectoryRequest{Groups: make([]*userv1.TransferGroup, 100_001)}, []string{"at most 100000"}},
		"much that is wrong": {&userv1.ImportDirectoryRequest{Groups: func() (gs []*userv1.TransferGroup) {
			for i := range 70 {
				gs = append(gs, &userv1.TransferGroup{GroupName: fmt.Sprint(i), Members: []string{"x"}})
			}
			return gs
		}()}, []string{"nothing was imported, problems: 70\n", "\nand 20 more"}},
	} {
		for _, dry := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, dry run %v", name, dry), func(t *testing.T) {
				req := proto.CloneOf(test.req)
				req.DryRun = dry
				req.Users = append(req.Users, user("good", address("label", "x", "s3cret")))
				if name == "prune all" {
					req.Users = nil
				}
				_, err := h.ImportDirectory(t.Context(), req)
				if !errors.Is(err, fault.ErrInvalid) {
					t.Fatalf("error is %v", err)
				}
				for _, want := range test.wantText {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not contain %q", err, want)
					}
				}
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("error %q holds a secret", err)
				}
				after, err := h.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{})
				if err != nil || !proto.Equal(before, after) {
					t.Errorf("the directory changed: %v, %v", after, err)
				}
			})
		}
	}
}

// TestImportSecrets checks the credential of an address after an import.
func TestImportSecrets(t *testing.T) {
	h, key := transfers(t)
	imports(t, h, &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{
		user("kim", address("label", "x", "s3cret-1"), address("url", "https://a.example", "s3cret-2"), address("open", "y", "")),
	}})
	for _, step := range []struct {
		name     string
		addr     *userv1.TransferAddress
		changed  int32
		key, has string
	}{
		{"as it is", address("label", "x", ""), 0, "kim label x", "s3cret-1"},
		{"the same secret", address("label", "x", "s3cret-1"), 0, "kim label x", "s3cret-1"},
		{"another destination", address("label", "z", ""), 1, "kim label z", "s3cret-1"},
		{"another secret", address("label", "z", "s3cret-3"), 1, "kim label z", "s3cret-3"},
		{"both", address("url", "https://b.example", "s3cret-4"), 1, "kim url https://b.example", "s3cret-4"},
		{"none where none is needed", address("open", "z", ""), 1, "kim open z", ""},
	} {
		res := imports(t, h, &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("kim", step.addr)}})
		if got := res.GetAddresses().GetChangedCount(); got != step.changed {
			t.Errorf("%s: %d were changed", step.name, got)
		}
		if got, ok := secrets(t, h, key)[step.key]; !ok || got != step.has {
			t.Errorf("%s: the secret is %q, %v", step.name, got, ok)
		}
	}
}

// TestImportRanks checks ranks and failover after an import: fields that the import
// file does not set stay unchanged.
func TestImportRanks(t *testing.T) {
	h, _ := transfers(t)
	ranked := func(rank int32, a *userv1.TransferAddress) *userv1.TransferAddress {
		a.Rank = new(rank)
		return a
	}
	failing := func(failover bool, u *userv1.TransferUser) *userv1.TransferUser {
		u.Failover = new(failover)
		return u
	}
	for _, step := range []struct {
		name      string
		given     *userv1.TransferUser
		users     int32 // changed
		addresses int32
		failover  bool
		ranks     []int32 // of label and url
	}{
		{"new, rank not set", user("kim", address("label", "x", "s3cret")), 0, 0, false, []int32{0}},
		{"second address, rank set", user("kim", ranked(7, address("url", "https://a.example", "s3cret"))), 0, 0, false, []int32{0, 7}},
		{"rank not set", user("kim", address("url", "https://a.example", "")), 0, 0, false, []int32{0, 7}},
		{"rank not set, same secret", user("kim", address("url", "https://a.example", "s3cret")), 0, 0, false, []int32{0, 7}},
		{"rank not set, another secret", user("kim", address("url", "https://a.example", "s3cret-2")), 0, 1, false, []int32{0, 7}},
		{"rank not set, another destination", user("kim", address("label", "y", "")), 0, 1, false, []int32{0, 7}},
		{"rank changed", user("kim", ranked(9, address("label", "y", ""))), 0, 1, false, []int32{9, 7}},
		{"rank unchanged", user("kim", ranked(9, address("label", "y", ""))), 0, 0, false, []int32{9, 7}},
		{"rank changed, same secret", user("kim", ranked(1000, address("label", "y", "s3cret"))), 0, 1, false, []int32{1000, 7}},
		{"rank set to 0", user("kim", ranked(0, address("url", "https://a.example", ""))), 0, 1, false, []int32{1000, 0}},
		{"failover", failing(true, user("kim")), 1, 0, true, []int32{1000, 0}},
		{"failover unchanged", failing(true, user("kim")), 0, 0, true, []int32{1000, 0}},
		{"failover not set", user("kim"), 0, 0, true, []int32{1000, 0}},
		{"no failover", failing(false, user("kim")), 1, 0, false, []int32{1000, 0}},
	} {
		req := &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{step.given}}
		req.DryRun = true
		dry := imports(t, h, req)
		req.DryRun = false
		res := imports(t, h, req)
		if !proto.Equal(dry, res) {
			t.Errorf("%s: dry run %v, import %v", step.name, dry, res)
		}
		if u, a := res.GetUsers().GetChangedCount(), res.GetAddresses().GetChangedCount(); u != step.users || a != step.addresses {
			t.Errorf("%s: %d users and %d addresses were changed", step.name, u, a)
		}
		out, err := h.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{})
		if err != nil {
			t.Fatal(err)
		}
		kim := out.GetUsers()[0]
		var ranks []int32
		for _, a := range kim.GetAddresses() {
			ranks = append(ranks, a.GetRank())
		}
		if kim.GetFailover() != step.failover || !slices.Equal(ranks, step.ranks) {
			t.Errorf("%s: failover %v, ranks %v", step.name, kim.GetFailover(), ranks)
		}
	}
	for _, bad := range []int32{-1, 1001} {
		_, err := h.ImportDirectory(t.Context(), &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{user("kim", ranked(bad, address("label", "y", "")))}})
		if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), `user "kim", address by "label": rank: `) {
			t.Errorf("rank %d: %v", bad, err)
		}
	}
}

// TestExportToAnotherDirectory exports to another directory with the same seal key.
func TestExportToAnotherDirectory(t *testing.T) {
	h, key := transfers(t)
	imports(t, h, &userv1.ImportDirectoryRequest{
		Users:  []*userv1.TransferUser{user("kim", address("label", "x", "s3cret-1")), user("lee")},
		Groups: []*userv1.TransferGroup{{GroupName: "ops", Members: []string{"lee", "kim"}}, {GroupName: "none"}},
	})
	out, err := h.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{WithSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	other, _ := transfers(t)
	_, err = other.ImportDirectory(t.Context(), &userv1.ImportDirectoryRequest{Users: out.GetUsers(), Groups: out.GetGroups()})
	if !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("under another key: %v", err)
	}
	other.Users.Key = key
	imports(t, other, &userv1.ImportDirectoryRequest{Users: out.GetUsers(), Groups: out.GetGroups()})
	if got := secrets(t, other, key)["kim label x"]; got != "s3cret-1" {
		t.Errorf("the secret is %q", got)
	}
	bare, err := h.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := other.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{})
	if err != nil || !proto.Equal(got, bare) {
		t.Errorf("%v, %v; want %v", got, err, bare)
	}
	for _, u := range bare.GetUsers() {
		for _, a := range u.GetAddresses() {
			if len(a.GetSealedCredential()) > 0 || a.GetCredential() != "" {
				t.Errorf("export without secrets holds a secret: %v", a)
			}
		}
	}
}
