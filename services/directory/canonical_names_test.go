package directory_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// handlers are all handlers of one directory.
type handlers struct {
	groups *directory.GroupHandler
	users  *directory.UserHandler
	lookup *directory.LookupHandler
	whole  *directory.TransferHandler
}

func newHandlers(t *testing.T) handlers {
	t.Helper()
	store, key := openDirectory(t)
	users := &directory.UserHandler{Users: store, Key: key, Specs: specs}
	return handlers{
		&directory.GroupHandler{Groups: store}, users,
		&directory.LookupHandler{Finder: store, Sealing: store, Key: key},
		&directory.TransferHandler{Snapshots: store, Users: users},
	}
}

func (h handlers) createUser(t *testing.T, name string) error {
	t.Helper()
	_, err := h.users.CreateUser(t.Context(), &userv1.CreateUserRequest{NickName: name, Addresses: []*userv1.NewAddress{
		{Messenger: "label", Destination: "C1", Credential: "s3cret"},
	}})
	return err
}

// notified returns the nicknames of the recipients, and the unknown targets.
func (h handlers) notified(t *testing.T, targets ...string) (names, unknown []string) {
	t.Helper()
	res, err := h.lookup.LookUp(t.Context(), &userv1.LookUpRequest{Target: targets})
	must(t, err)
	for _, r := range res.GetRecipients() {
		names = append(names, r.GetNickName())
	}
	return names, res.GetUnknownTarget()
}

// TestAnyVisibleNameIsKeptAndNotified stores, resolves and removes names with a slash,
// an @ and other signs, in each Unicode form.
func TestAnyVisibleNameIsKeptAndNotified(t *testing.T) {
	for _, name := range []string{"a/b@c", "홍길동/서버", "é;x,y", "-a", "..", `"'\`, "=1+1", "a b", "❤️"} {
		t.Run(name, func(t *testing.T) {
			h, ctx := newHandlers(t), t.Context()
			typed := norm.NFD.String(name)
			must(t, h.createUser(t, typed))
			if err := h.createUser(t, name); !errors.Is(err, fault.ErrExists) {
				t.Errorf("again: %v", err)
			}
			made, err := h.groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: typed})
			must(t, err)
			id := made.GetGroup().GetId()
			for _, form := range []string{name, typed} {
				with, err := h.groups.AddGroupUser(ctx, &groupv1.AddGroupUserRequest{Id: id, NickName: form})
				must(t, err)
				if got := with.GetGroup(); len(got.GetUserList()) != 1 || got.GetUserList()[0].GetNickName() != norm.NFC.String(name) {
					t.Errorf("the group is %v", got)
				}
				found, err := h.groups.ListGroups(ctx, &groupv1.ListGroupsRequest{GroupName: form})
				must(t, err)
				if len(found.GetGroups()) != 1 {
					t.Errorf("ListGroups of %+q: %v", form, found)
				}
				for _, target := range []string{"@" + form, "@@" + form} {
					if got, unknown := h.notified(t, target); !slices.Equal(got, []string{norm.NFC.String(name)}) || unknown != nil {
						t.Errorf("%+q notifies %q, and %q is unknown", target, got, unknown)
					}
				}
				list, err := h.lookup.GetUserList(ctx, &userinfo.NicknameOrTeam{Name: []string{"@" + form}})
				must(t, err)
				if len(list.GetUser()) != 1 || list.GetUser()[0].GetToken() != "s3cret" {
					t.Errorf("%+q: %v", form, list)
				}
			}
			_, err = h.groups.RemoveGroupUser(ctx, &groupv1.RemoveGroupUserRequest{Id: id, NickName: typed})
			must(t, err)
			_, err = h.groups.RenameGroup(ctx, &groupv1.RenameGroupRequest{Id: id, GroupName: "x" + typed})
			must(t, err)
			_, err = h.users.UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: typed, NewNickName: "x" + typed})
			must(t, err)
			if got, _ := h.notified(t, "@x"+name); len(got) != 1 {
				t.Errorf("renamed, %q are notified", got)
			}
			_, err = h.users.DeleteUser(ctx, &userv1.DeleteUserRequest{NickName: "x" + typed})
			must(t, err)
		})
	}
}

// TestUnknownTargetAsWritten proves that unknown targets keep their written
// form.
func TestUnknownTargetAsWritten(t *testing.T) {
	h := newHandlers(t)
	typed := norm.NFD.String("@é")
	if _, unknown := h.notified(t, typed, "@é", "@@x"); !slices.Equal(unknown, []string{typed, "@@x"}) {
		t.Errorf("%+q is unknown", unknown)
	}
}

// TestNewNamesAreChecked proves that every request validates new names, and that the
// error names the field and the code point.
func TestNewNamesAreChecked(t *testing.T) {
	h, ctx := newHandlers(t), t.Context()
	must(t, h.createUser(t, "kim"))
	_, err := h.groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: "ops"})
	must(t, err)
	for _, bad := range []string{"a\u3164", "\u115f", "a\u0085b", "a\u2028b", "a\u200bb", "a\u202eb", "a\u00adb", "\ue000"} {
		point := fmt.Sprintf("%U", slices.MaxFunc([]rune(bad), func(a, b rune) int { return int(a) - int(b) }))
		for field, do := range map[string]func() error{
			"nick_name": func() error { return h.createUser(t, bad) },
			"new_nick_name": func() error {
				_, err := h.users.UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: "kim", NewNickName: bad})
				return err
			},
			"group_name": func() error {
				_, err := h.groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: bad})
				return err
			},
			"group_name: ": func() error {
				_, err := h.groups.RenameGroup(ctx, &groupv1.RenameGroupRequest{Id: 1, GroupName: bad})
				return err
			},
			`: nick_name: `: func() error {
				_, err := h.whole.ImportDirectory(ctx, &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{{NickName: bad, Line: 3}}})
				return err
			},
			`: group_name: `: func() error {
				_, err := h.whole.ImportDirectory(ctx, &userv1.ImportDirectoryRequest{Groups: []*userv1.TransferGroup{{GroupName: bad, Line: 3}}})
				return err
			},
		} {
			if err := do(); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), point) {
				t.Errorf("%+q as %s: %v", bad, field, err)
			}
		}
	}
	for _, all := range []string{"all", "ALL", "ａｌｌ", "a\u200bll"} {
		if err := h.createUser(t, all); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "nick_name") {
			t.Errorf("%+q: %v", all, err)
		}
	}
}

// TestCanonicalizeNames puts stored names into their canonical form. If two names
// become equal, both users stay and the renaming is logged; credentials still open.
func TestCanonicalizeNames(t *testing.T) {
	store, key := openDirectory(t)
	nfd, long := norm.NFD.String("é"), strings.Repeat("\u0958", 20) // 40 characters in NFC
	var had directory.Snapshot
	for i, name := range []string{nfd, "é", norm.NFD.String("각"), "kim", "a\u3164", long, "All"} {
		sealed, err := key.Seal(fmt.Sprint("s3cret-", i), "label") // in the format before credentials were sealed for addresses
		if i%2 == 1 {
			sealed, err = key.SealForOwner(fmt.Sprint("s3cret-", i), sealOwner(name, "C"))
		}
		must(t, err)
		had.Users = append(had.Users, directory.User{Nickname: name, Addresses: []directory.Address{{Messenger: "label", SealedCredential: sealed, Destination: "C"}}})
	}
	had.Groups = []directory.Membership{{Group: nfd, Members: []string{nfd}}, {Group: "é", Members: []string{"é"}}, {Group: "ops"}}
	_, err := store.Fill(t.Context(), had)
	must(t, err)
	var logged bytes.Buffer
	for range 2 { // the second pass changes nothing
		must(t, directory.CanonicalizeNames(t.Context(), store, key, slog.New(slog.NewTextHandler(&logged, nil))))
	}
	if warned := strings.Count(logged.String(), "level=WARN"); warned != 3 || strings.Count(logged.String(), "level=INFO") != 2 || strings.Contains(logged.String(), "s3cret") {
		t.Errorf("log is %s", &logged)
	}
	users, err := store.Users(t.Context(), 0, 0)
	must(t, err)
	cut := string([]rune(norm.NFC.String(long))[:28]) + "~2"
	for i, want := range []string{"é~2", "é", "각", "kim", "a\u3164", cut, "All"} {
		u := users[i]
		if u.Nickname != want {
			t.Errorf("user %d is %+q, want %+q", i+1, u.Nickname, want)
		}
		if secret, err := key.OpenForOwner(u.Addresses[0].SealedCredential, sealOwner(want, "C")); err != nil || secret != fmt.Sprint("s3cret-", i) {
			t.Errorf("the credential of %+q opens as %q, %v", want, secret, err)
		}
	}
	h := handlers{groups: &directory.GroupHandler{Groups: store}, users: &directory.UserHandler{Users: store, Key: key, Specs: specs}, lookup: &directory.LookupHandler{Finder: store, Key: key}}
	for target, want := range map[string]string{"@" + nfd: "é", "@é~2": "é~2", "@@é": "é", "@@é~2": "é~2", "@a\u3164": "a\u3164", "@All": "All", "@각": "각"} {
		if got, unknown := h.notified(t, target); !slices.Equal(got, []string{want}) || unknown != nil {
			t.Errorf("%+q notifies %q, and %q is unknown", target, got, unknown)
		}
	}
	// Stored names that are invalid for new users are still read, exported, imported
	// and removed.
	transfer := &directory.TransferHandler{Snapshots: store, Users: h.users}
	all, err := transfer.ExportDirectory(t.Context(), &userv1.ExportDirectoryRequest{WithSecrets: true})
	must(t, err)
	back, err := transfer.ImportDirectory(t.Context(), &userv1.ImportDirectoryRequest{Users: all.GetUsers(), Groups: all.GetGroups(), Prune: true})
	must(t, err)
	if len(back.GetChanges()) > 0 {
		t.Errorf("import of its own export changes %v", back.GetChanges())
	}
	for _, name := range []string{"a\u3164", "All"} {
		_, err := h.users.GetUser(t.Context(), &userv1.GetUserRequest{NickName: name})
		must(t, err)
		_, err = h.groups.AddGroupUser(t.Context(), &groupv1.AddGroupUserRequest{Id: 3, NickName: name})
		must(t, err)
		_, err = h.groups.RemoveGroupUser(t.Context(), &groupv1.RemoveGroupUserRequest{Id: 3, NickName: name})
		must(t, err)
		_, err = h.users.DeleteUser(t.Context(), &userv1.DeleteUserRequest{NickName: name})
		must(t, err)
	}
}
