package e2e

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/packaged/packagedconnect"
	"github.com/bongsu-project/bongsu/gen/go/userinfo/userinfoconnect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// protocols are the protocols of generated clients.
var protocols = []struct {
	name   string
	option connect.ClientOption
}{
	{"Connect", connect.WithClientOptions()},
	{"Connect JSON", connect.WithProtoJSON()},
	{"Connect by GET", connect.WithHTTPGet()},
	{"gRPC", connect.WithGRPC()},
	{"gRPC-Web", connect.WithGRPCWeb()},
}

// http2Client uses cleartext HTTP/2, which gRPC requires.
func http2Client() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

// TestProtocols makes the same calls over every protocol: one handler, one result.
func TestProtocols(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		for _, p := range protocols {
			t.Run(p.name, func(t *testing.T) { converse(t, d.edge, p.option) })
		}
	})
}

func converse(t *testing.T, url string, option connect.ClientOption) {
	ctx, client := t.Context(), http2Client()
	groups := groupv1connect.NewGroupServiceClient(client, url, option)
	users := userv1connect.NewUserServiceClient(client, url, option)
	alerts := alertv1connect.NewAlertServiceClient(client, url, option)
	messengers := messengerv1connect.NewMessengerServiceClient(client, url, option)

	made, err := groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: "봉수대 1"})
	must(t, err)
	id := made.GetGroup().GetId()
	_, err = groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: "봉수대 1"})
	wantCode(t, err, connect.CodeAlreadyExists)
	_, err = groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: "a\u200bb"})
	wantCode(t, err, connect.CodeInvalidArgument)
	_, err = groups.GetGroup(ctx, &groupv1.GetGroupRequest{Id: 999})
	wantCode(t, err, connect.CodeNotFound)

	address := &userv1.NewAddress{Messenger: "slack", Credential: "xoxb-1", Destination: "C1"}
	_, err = users.CreateUser(ctx, &userv1.CreateUserRequest{NickName: "park", Addresses: []*userv1.NewAddress{address}})
	must(t, err)
	_, err = users.AddUserAddress(ctx, &userv1.AddUserAddressRequest{NickName: "park", Address: address})
	wantCode(t, err, connect.CodeAlreadyExists)
	with, err := groups.AddGroupUser(ctx, &groupv1.AddGroupUserRequest{Id: id, NickName: "park"})
	must(t, err)
	if list := with.GetGroup().GetUserList(); len(list) != 1 || list[0].GetNickName() != "park" {
		t.Errorf("members: %v", list)
	}

	would, err := alerts.ResolveTargets(ctx, &alertv1.ResolveTargetsRequest{Target: []string{"@@봉수대 1", "@park", "@nobody"}})
	must(t, err)
	if would.GetUserCount() != 1 || would.GetRecipients()[0].GetDestination() != "C1" || !slices.Equal(would.GetUnknownTarget(), []string{"@nobody"}) {
		t.Errorf("resolved: %v", would)
	}
	_, err = alerts.SendAlert(ctx, &alertv1.SendAlertRequest{Target: []string{"park"}, Message: "x"})
	wantCode(t, err, connect.CodeInvalidArgument)
	res, err := alerts.SendAlert(ctx, &alertv1.SendAlertRequest{Target: []string{"@@봉수대 1"}, Message: "x"})
	must(t, err)
	if res.GetUserCount() != 1 {
		t.Errorf("userCount is %d", res.GetUserCount())
	}
	listed, err := alerts.ListAlerts(ctx, &alertv1.ListAlertsRequest{NickName: "park", PageSize: 1})
	must(t, err)
	if len(listed.GetAlerts()) != 1 || listed.GetAlerts()[0].GetId() != res.GetId() {
		t.Errorf("listed: %v", listed)
	}
	described, err := messengers.ListMessengers(ctx, &messengerv1.ListMessengersRequest{Name: "slack"})
	must(t, err)
	if len(described.GetMessengers()) != 1 {
		t.Errorf("messengers: %v", described)
	}

	_, err = users.DeleteUser(ctx, &userv1.DeleteUserRequest{NickName: "park"})
	must(t, err)
	_, err = groups.DeleteGroup(ctx, &groupv1.DeleteGroupRequest{Id: id})
	must(t, err)
}

// TestUserInfo calls UserInfo like clients of the older service: by grpc-go, under the
// name in its stubs and under the bare name in its documentation, on the group
// service's port.
func TestUserInfo(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		conn := dial(t, d.directory)
		for _, method := range []string{"/UserInfo/getUserList", "/com.github.switchover.failure.common.rpc.UserInfo/getUserList"} {
			list := new(userinfo.UserList)
			err := conn.Invoke(t.Context(), method, &userinfo.NicknameOrTeam{Name: []string{"@@test-team2", "@user1", "@user7", "@nobody"}}, list)
			must(t, err)
			var got []string
			for _, u := range list.GetUser() {
				got = append(got, strings.Join([]string{u.GetNickname(), u.GetServiceType(), u.GetToken(), u.GetTarget()}, " "))
			}
			want := []string{"user2 slack SLACK-USER2-TOKEN USER2_CHANNEL_ID", "user7 slack SLACK-USER7-TOKEN USER7_CHANNEL_ID", "user1 slack SLACK-USER1-TOKEN USER1_CHANNEL_ID"}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got  %q\nwant %q", method, got, want)
			}
			err = conn.Invoke(t.Context(), method, &userinfo.NicknameOrTeam{Name: []string{"@user1", "user2"}}, list)
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "user2") {
				t.Errorf("%s: a malformed target: %v", method, err)
			}
		}
		for _, p := range protocols {
			client := http2Client()
			for name, generated := range map[string]userinfoconnect.UserInfoClient{
				"bare":     userinfoconnect.NewUserInfoClient(client, d.directory, p.option),
				"packaged": packagedconnect.NewUserInfoClient(client, d.directory, p.option),
			} {
				everybody, err := generated.GetUserList(t.Context(), &userinfo.NicknameOrTeam{Name: []string{"@all"}})
				must(t, err)
				if len(everybody.GetUser()) != 9 {
					t.Errorf("%s, %s: @all is %d", p.name, name, len(everybody.GetUser()))
				}
			}
		}
		served := reflected(t, d.directory)
		for _, name := range []string{userinfoconnect.UserInfoName, packagedconnect.UserInfoName} {
			if !slices.Contains(served, name) {
				t.Errorf("%s is not reflected: %q", name, served)
			}
		}
	})
}

// TestInternalStaysInside checks that the edge serves no internal service over any
// protocol, and does not list one by reflection: they return credentials or accept
// reports.
func TestInternalStaysInside(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		for _, p := range protocols {
			t.Run(p.name, func(t *testing.T) {
				ctx, client := t.Context(), http2Client()
				_, err := userinfoconnect.NewUserInfoClient(client, d.edge, p.option).GetUserList(ctx, &userinfo.NicknameOrTeam{Name: []string{"@all"}})
				wantCode(t, err, connect.CodeUnimplemented)
				_, err = packagedconnect.NewUserInfoClient(client, d.edge, p.option).GetUserList(ctx, &userinfo.NicknameOrTeam{Name: []string{"@all"}})
				wantCode(t, err, connect.CodeUnimplemented)
				_, err = userv1connect.NewDirectoryServiceClient(client, d.edge, p.option).LookUp(ctx, &userv1.LookUpRequest{Target: []string{"@all"}})
				wantCode(t, err, connect.CodeUnimplemented)
				_, err = jobv1connect.NewDispatchServiceClient(client, d.edge, p.option).Claim(ctx, &jobv1.ClaimRequest{DeliveryIds: []int64{1}, Sender: "x"})
				wantCode(t, err, connect.CodeUnimplemented)
				_, err = accessv1connect.NewCredentialServiceClient(client, d.edge, p.option).FindKey(ctx, &accessv1.FindKeyRequest{Id: "a"})
				wantCode(t, err, connect.CodeUnimplemented)
			})
		}
		served := reflected(t, d.edge)
		want := []string{
			"bongsu.access.v1.AccessService", "bongsu.alert.v1.AlertService", "bongsu.alert.v1.CallbackEndpointService", "bongsu.callback.v1.CallbackService",
			"bongsu.event.v1.EventService", "bongsu.group.v1.GroupService", "bongsu.inbox.v1.InboxService",
			"bongsu.incident.v1.EscalationPolicyService", "bongsu.incident.v1.IncidentService", "bongsu.incident.v1.SilenceService",
			"bongsu.intake.v1.IntakeService", "bongsu.messenger.v1.MessengerService",
			"bongsu.monitor.v1.HeartbeatService", "bongsu.monitor.v1.MaintenanceService", "bongsu.monitor.v1.MonitorService", "bongsu.registry.v1.RegistryService",
			"bongsu.user.v1.TransferService", "bongsu.user.v1.UserService", "grpc.health.v1.Health",
		}
		if !slices.Equal(served, want) {
			t.Errorf("the edge reflects %q", served)
		}
	})
}

// reflected returns the services that a port lists by gRPC reflection.
func reflected(t *testing.T, url string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	stream, err := reflection.NewServerReflectionClient(dial(t, url)).ServerReflectionInfo(ctx)
	must(t, err)
	must(t, stream.Send(&reflection.ServerReflectionRequest{MessageRequest: &reflection.ServerReflectionRequest_ListServices{}}))
	res, err := stream.Recv()
	must(t, err)
	var names []string
	for _, s := range res.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	slices.Sort(names)
	return names
}

func dial(t *testing.T, url string) *grpc.ClientConn {
	t.Helper()
	addr := strings.TrimPrefix(url, "http://")
	if _, _, err := net.SplitHostPort(addr); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code connect.Code) {
	t.Helper()
	if connect.CodeOf(err) != code || err == nil {
		t.Errorf("got %v, want %s", err, code)
	}
}
