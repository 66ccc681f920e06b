package directory_test

import (
	"errors"
	"strings"
	"testing"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// TestImportProblemsAreBounded imports only invalid entries: the error has at most a
// few kilobytes, and the rest of the request is not read.
func TestImportProblemsAreBounded(t *testing.T) {
	h, _ := transfers(t)
	long := strings.Repeat("\U0010ffff", 1000)
	users := make([]*userv1.TransferUser, 100_000)
	for i := range users {
		users[i] = user(long, address(long, long, long))
	}
	for name, req := range map[string]*userv1.ImportDirectoryRequest{
		"100,000 users":     {Users: users},
		"1,000,000 members": {Groups: []*userv1.TransferGroup{{GroupName: "a", Members: make([]string, 1_000_000)}}},
	} {
		_, err := h.ImportDirectory(t.Context(), req)
		if !errors.Is(err, fault.ErrInvalid) || len(err.Error()) > 4<<10 {
			t.Errorf("%s: %d bytes: %.300v", name, len(err.Error()), err)
		}
	}
}

// TestUserInfoNamesAreBounded sends more names than one request may hold.
func TestUserInfoNamesAreBounded(t *testing.T) {
	h := &directory.LookupHandler{}
	if _, err := h.GetUserList(t.Context(), &userinfo.NicknameOrTeam{Name: make([]string, 10_001)}); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "name: ") {
		t.Errorf("%v", err)
	}
}
