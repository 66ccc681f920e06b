package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	authv1 "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// A fakeDirectory is the directory of a Bongsu that refuses a mail address.
type fakeDirectory struct {
	userv1connect.UnimplementedUserServiceHandler
	groupv1connect.UnimplementedGroupServiceHandler

	mu     sync.Mutex
	names  []string            // of the groups, by id
	groups map[string][]string // the members
	mail   map[string]string   // by user
}

const refusedMail = "refused@school.example"

func (*fakeDirectory) CreateUser(context.Context, *userv1.CreateUserRequest) (*userv1.CreateUserResponse, error) {
	return &userv1.CreateUserResponse{}, nil
}

func (*fakeDirectory) GetUser(context.Context, *userv1.GetUserRequest) (*userv1.GetUserResponse, error) {
	return &userv1.GetUserResponse{}, nil
}

func (d *fakeDirectory) AddUserAddress(_ context.Context, req *userv1.AddUserAddressRequest) (*userv1.AddUserAddressResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if req.GetAddress().GetDestination() == refusedMail {
		return nil, connect.NewError(connect.CodeInvalidArgument, nil)
	}
	if req.GetAddress().GetMessenger() == "email" {
		d.mail[req.GetNickName()] = req.GetAddress().GetDestination()
	}
	return &userv1.AddUserAddressResponse{}, nil
}

func (*fakeDirectory) CreateGroup(context.Context, *groupv1.CreateGroupRequest) (*groupv1.CreateGroupResponse, error) {
	return &groupv1.CreateGroupResponse{}, nil
}

func (d *fakeDirectory) ListGroups(_ context.Context, req *groupv1.ListGroupsRequest) (*groupv1.ListGroupsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.names, req.GetGroupName()) {
		d.names = append(d.names, req.GetGroupName())
	}
	return &groupv1.ListGroupsResponse{Groups: []*groupv1.Group{{Id: int32(slices.Index(d.names, req.GetGroupName()))}}}, nil
}

func (d *fakeDirectory) AddGroupUser(_ context.Context, req *groupv1.AddGroupUserRequest) (*groupv1.AddGroupUserResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := d.names[req.GetId()]
	d.groups[name] = append(d.groups[name], req.GetNickName())
	return &groupv1.AddGroupUserResponse{}, nil
}

// TestDirectory brings accounts into the directory: one that is refused does not keep back the others,
// and is tried again.
func TestDirectory(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		fake := &fakeDirectory{groups: map[string][]string{}, mail: map[string]string{}}
		mux := http.NewServeMux()
		mux.Handle(userv1connect.NewUserServiceHandler(fake))
		mux.Handle(groupv1connect.NewGroupServiceHandler(fake))
		server := httptest.NewServer(mux)
		defer server.Close()
		d := Directory{
			Users: userv1connect.NewUserServiceClient(server.Client(), server.URL), Groups: groupv1connect.NewGroupServiceClient(server.Client(), server.URL),
			Log: slog.New(slog.DiscardHandler),
		}
		for i, id := range []string{"chulsu", "minsu", "younghee"} {
			req := student(id, int32(i+1))
			if id == "chulsu" {
				req.Email = refusedMail
			}
			s.signUp(t, req)
		}
		kittest.NoError(t, kittest.ErrorOf(s.SignUp(t.Context(), student("waiting", 4))))
		expect := func(members ...string) {
			t.Helper()
			for _, group := range []string{"students", "grade-2", "class-2-3"} {
				got := slices.Sorted(slices.Values(fake.groups[group]))
				kittest.Equal(t, got, members)
			}
		}
		if err := d.sync(t.Context(), s.store); err == nil {
			t.Error("no error of a refused address")
		}
		expect("minsu", "younghee")
		kittest.NoError(t, kittest.ErrorOf(s.UpdateAccount(t.Context(), &authv1.UpdateAccountRequest{Id: "chulsu", Email: new("chulsu@school.example")})))
		kittest.NoError(t, d.sync(t.Context(), s.store))
		kittest.NoError(t, d.sync(t.Context(), s.store)) // nothing has changed
		expect("chulsu", "minsu", "younghee")
		kittest.Equal(t, fake.mail["chulsu"], "chulsu@school.example")
	})
}
