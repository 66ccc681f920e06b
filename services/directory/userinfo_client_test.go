package directory

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

const (
	packagedName = "com.github.switchover.failure.common.rpc.UserInfo"
	bareName     = "UserInfo"
)

// An olderSystem serves UserInfo by grpc-go, as users of the older service do with
// their own stubs, under configurable service names.
type olderSystem struct {
	mu    sync.Mutex
	names []string // of the served services
	calls []string // the called methods
	err   error    // returned by each served call
}

// serve replaces the served names, as if the system was replaced, and clears the calls.
func (o *olderSystem) serve(names ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names, o.calls = names, nil
}

// called returns the methods that were called since serve.
func (o *olderSystem) called() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.calls)
}

func (o *olderSystem) handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	o.mu.Lock()
	o.calls = append(o.calls, method)
	served := slices.ContainsFunc(o.names, func(name string) bool { return method == "/"+name+"/getUserList" })
	err := o.err
	o.mu.Unlock()
	if !served {
		return status.Errorf(codes.Unimplemented, "unknown service of %s", method)
	}
	if err != nil {
		return err
	}
	req := new(userinfo.NicknameOrTeam)
	if err := stream.RecvMsg(req); err != nil {
		return err
	}
	return stream.SendMsg(&userinfo.UserList{User: []*userinfo.User{{Nickname: req.GetName()[0][1:], ServiceType: "slack", Token: "t", Target: "C"}}})
}

// newOlderSystem starts an older system, and returns a client of it.
func newOlderSystem(t *testing.T) (*olderSystem, *UserInfoClient) {
	t.Helper()
	o := &olderSystem{}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(o.handle))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	client := NewUserInfoClient(rpc.NewHTTPClient(), "http://"+listener.Addr().String(), slog.New(slog.DiscardHandler), rpc.ClientOptions("UserInfo", slog.New(slog.DiscardHandler)))
	return o, client
}

func getUser(ctx context.Context, c *UserInfoClient) (string, error) {
	res, err := c.GetUserList(ctx, &userinfo.NicknameOrTeam{Name: []string{"@kim"}})
	if err != nil {
		return "", err
	}
	return res.GetUser()[0].GetNickname(), nil
}

// TestUserInfoUnderTwoNames calls systems that serve only one of the names, and checks
// that the other one is called at most once.
func TestUserInfoUnderTwoNames(t *testing.T) {
	o, client := newOlderSystem(t)
	for _, c := range []struct {
		name  string
		serve []string
		calls []string // of three calls of the client
	}{
		{"only the packaged name", []string{packagedName}, []string{packagedName, packagedName, packagedName}},
		{"only the bare name", []string{bareName}, []string{packagedName, bareName, bareName, bareName}},
		{"still, and both", []string{bareName, packagedName}, []string{bareName, bareName, bareName}},
		{"replaced by one with the packaged name", []string{packagedName}, []string{bareName, packagedName, packagedName, packagedName}},
		{"replaced by one with the bare name", []string{bareName}, []string{packagedName, bareName, bareName, bareName}},
	} {
		o.serve(c.serve...)
		for range 3 {
			if got, err := getUser(t.Context(), client); err != nil || got != "kim" {
				t.Fatalf("%s: %q, %v", c.name, got, err)
			}
		}
		want := make([]string, len(c.calls))
		for i, name := range c.calls {
			want[i] = "/" + name + "/getUserList"
		}
		if got := o.called(); !slices.Equal(got, want) {
			t.Errorf("%s: called %q, want %q", c.name, got, want)
		}
	}
}

// TestUserInfoFailures checks that other errors are returned without a call under the
// other name, and that a system that serves neither name is found once it does.
func TestUserInfoFailures(t *testing.T) {
	o, client := newOlderSystem(t)
	o.serve(packagedName)
	for _, code := range []codes.Code{codes.InvalidArgument, codes.Internal, codes.Unavailable, codes.NotFound, codes.PermissionDenied} {
		o.err = status.Error(code, "no")
		if _, err := getUser(t.Context(), client); connect.CodeOf(err) != connect.Code(code) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if got := o.called(); len(got) != 5 {
		t.Errorf("called %q", got)
	}
	o.err = nil

	o.serve(bareName)
	o.err = status.Error(codes.InvalidArgument, "no") // served, and returns an error
	for range 2 {
		if _, err := getUser(t.Context(), client); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%v", err)
		}
	}
	if got := o.called(); len(got) != 3 {
		t.Errorf("called %q", got)
	}
	o.err = nil

	o.serve()
	if _, err := getUser(t.Context(), client); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("neither name: %v", err)
	}
	o.serve(packagedName)
	if got, err := getUser(t.Context(), client); err != nil || got != "kim" {
		t.Errorf("%q, %v", got, err)
	}
}
