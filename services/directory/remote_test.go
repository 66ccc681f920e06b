package directory

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// A fakeUserInfo is a fake UserInfo of another system.
type fakeUserInfo struct {
	answer func(names []string) (*userinfo.UserList, error)
	calls  int
}

func (f *fakeUserInfo) GetUserList(_ context.Context, req *userinfo.NicknameOrTeam) (*userinfo.UserList, error) {
	f.calls++
	return f.answer(req.GetName())
}

// startRemote starts a fake remote directory over gRPC.
func startRemote(t *testing.T) (*RemoteDirectory, *fakeUserInfo, *seal.Keyring) {
	t.Helper()
	f := &fakeUserInfo{}
	mux := http.NewServeMux()
	mux.Handle(userinfoconnect.NewUserInfoHandler(f))
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "seal.key")
	if err := sealkey.Format.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	key, err := sealkey.Format.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return NewRemoteDirectory(userinfoconnect.NewUserInfoClient(server.Client(), server.URL, connect.WithGRPC()), key, ReceiptReader{Key: key}, slog.New(slog.DiscardHandler)), f, key
}

func lookUpNames(t *testing.T, d *RemoteDirectory, names ...string) (*userv1.LookUpResponse, error) {
	t.Helper()
	return d.LookUp(t.Context(), &userv1.LookUpRequest{Target: names})
}

func TestRemoteDirectory(t *testing.T) {
	d, f, key := startRemote(t)
	f.answer = func(names []string) (*userinfo.UserList, error) {
		if !slices.Equal(names, []string{"@kim", "@@dba", "@nobody"}) {
			t.Errorf("names are %q", names)
		}
		return &userinfo.UserList{User: []*userinfo.User{
			{Nickname: "kim", ServiceType: "SLACK", Token: "xoxb-KIM", Target: "C1"},
			{Nickname: "lee", ServiceType: "slack", Token: "xoxb-LEE", Target: "C2"},
		}}, nil
	}
	res, err := lookUpNames(t, d, "@kim", "@@dba", "@nobody")
	if err != nil || len(res.GetRecipients()) != 2 || !slices.Equal(res.GetUnknownTarget(), []string{"@nobody"}) {
		t.Fatalf("%v, %v", res, err)
	}
	first := res.GetRecipients()[0]
	token, err := key.OpenForOwner(first.GetSealedCredential(), seal.Owner{Name: "kim", Service: "slack", Address: "C1"})
	if err != nil || token != "xoxb-KIM" || first.GetNickName() != "kim" || first.GetMessenger() != "slack" || first.GetDestination() != "C1" {
		t.Errorf("%v, %v", first, err)
	}
	if strings.Contains(res.String(), "xoxb") {
		t.Error("response holds a token in the clear")
	}
}

// TestRemoteDirectoryDown makes the remote directory fail after its first response: the
// cached response is used for the same lookup and for no other, and the circuit breaker
// opens after some calls.
func TestRemoteDirectoryDown(t *testing.T) {
	d, f, _ := startRemote(t)
	f.answer = func([]string) (*userinfo.UserList, error) {
		return &userinfo.UserList{User: []*userinfo.User{{Nickname: "kim", ServiceType: "slack", Token: "T", Target: "C1"}}}, nil
	}
	if _, err := lookUpNames(t, d, "@kim"); err != nil {
		t.Fatal(err)
	}
	f.answer = func([]string) (*userinfo.UserList, error) {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("down"))
	}
	for range 20 {
		if res, err := lookUpNames(t, d, "@kim"); err != nil || len(res.GetRecipients()) != 1 {
			t.Fatalf("%v, %v", res, err)
		}
	}
	if f.calls > 1+remoteCalls {
		t.Errorf("%d calls while it was down", f.calls)
	}
	if _, err := lookUpNames(t, d, "@lee"); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("a lookup without cached response: %v", err)
	}
}

func TestRemoteDirectoryRefuses(t *testing.T) {
	d, f, _ := startRemote(t)
	f.answer = func([]string) (*userinfo.UserList, error) {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("no such form"))
	}
	for range 20 { // an invalid request is no failure, so the circuit breaker stays closed
		if _, err := lookUpNames(t, d, "@kim"); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "no such form") {
			t.Fatal(err)
		}
	}
	if _, err := lookUpNames(t, d, "kim"); !errors.Is(err, fault.ErrInvalid) || f.calls != 20 {
		t.Errorf("malformed target: %v, %d calls", err, f.calls)
	}
}
