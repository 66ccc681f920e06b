package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/cmd/bongsu/app"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// serve runs Bongsu with the mockup and the demonstration data on free ports, and returns the
// URL of its API. It panics on failure: an example has no test to fail.
func serve() (url string, stop func()) {
	data, err := os.MkdirTemp("", "bongsu")
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, app.Config{
		Services: []string{"all", app.Mockup}, Data: data, Log: slog.New(slog.DiscardHandler),
		Edge: edge.Config{Addr: "127.0.0.1:0"}, Mockup: mockup.Config{Addr: "127.0.0.1:0"}, Directory: directory.Config{DemoData: true},
	})
	if err != nil {
		panic(err)
	}
	stopped := make(chan error)
	go func() { stopped <- a.Run(ctx) }()
	return "http://" + a.Addr(app.Edge), func() {
		cancel()
		if err := errors.Join(<-stopped, os.RemoveAll(data)); err != nil {
			panic(err)
		}
	}
}

// An alert is recorded when SendAlert returns. WatchAlert streams what becomes of its
// deliveries, and ends when all of them are completed.
func Example_sendAlert() {
	url, stop := serve()
	defer stop()
	ctx := context.Background()
	alerts := alertv1connect.NewAlertServiceClient(http.DefaultClient, url)
	sent, err := alerts.SendAlert(ctx, &alertv1.SendAlertRequest{
		Target: []string{"@user1", "@@test-team2", "@nobody"}, Severity: "critical", Message: "db1 is down",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sent.GetUserCount(), "deliveries; unknown:", sent.GetUnknownTarget())
	changes, err := alerts.WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: sent.GetId()})
	if err != nil {
		fmt.Println(err)
		return
	}
	var counts *alertv1.DeliveryCounts
	for changes.Receive() {
		counts = changes.Msg().GetDeliveryCounts()
	}
	fmt.Println(counts.GetSent(), "sent", errors.Join(changes.Err(), changes.Close()))
	// Output:
	// 3 deliveries; unknown: [@nobody]
	// 3 sent <nil>
}

// A repeated request under one idempotency key returns the recorded alert. Another request
// under the key is refused.
func Example_idempotencyKey() {
	url, stop := serve()
	defer stop()
	ctx := context.Background()
	alerts := alertv1connect.NewAlertServiceClient(http.DefaultClient, url)
	req := &alertv1.SendAlertRequest{Target: []string{"@user1"}, Message: "deploy 42 failed", IdempotencyKey: "deploy-42"}
	first, err := alerts.SendAlert(ctx, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := alerts.SendAlert(ctx, req)
	fmt.Println(again.GetId() == first.GetId(), err)
	req.Message = "deploy 42 succeeded"
	_, err = alerts.SendAlert(ctx, req)
	fmt.Println(err)
	// Output:
	// true <nil>
	// already_exists: the idempotency key "deploy-42" was used for another request
}

// ResolveTargets returns who would be notified, and notifies nobody.
func Example_resolveTargets() {
	url, stop := serve()
	defer stop()
	alerts := alertv1connect.NewAlertServiceClient(http.DefaultClient, url)
	res, err := alerts.ResolveTargets(context.Background(), &alertv1.ResolveTargetsRequest{Target: []string{"@@test-team1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range res.GetRecipients() {
		fmt.Println(r.GetNickName(), "by", r.GetMessenger())
	}
	// Output:
	// user1 by slack
	// user6 by slack
}

// Users have addresses, and groups have users.
func Example_directory() {
	url, stop := serve()
	defer stop()
	ctx := context.Background()
	users := userv1connect.NewUserServiceClient(http.DefaultClient, url)
	groups := groupv1connect.NewGroupServiceClient(http.DefaultClient, url)
	_, err := users.CreateUser(ctx, &userv1.CreateUserRequest{NickName: "kim", Addresses: []*userv1.NewAddress{
		{Messenger: "slack", Destination: "C0KIM", Credential: "xoxb-token"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	created, err := groups.CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: "on-call"})
	if err != nil {
		fmt.Println(err)
		return
	}
	id := created.GetGroup().GetId()
	if _, err := groups.AddGroupUser(ctx, &groupv1.AddGroupUserRequest{Id: id, NickName: "kim"}); err != nil {
		fmt.Println(err)
		return
	}
	members, err := groups.ListGroupUsers(ctx, &groupv1.ListGroupUsersRequest{Id: id})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range members.GetGroup().GetUserList() {
		fmt.Println(u.GetNickName(), "in", members.GetGroup().GetGroupName())
	}
	// Output: kim in on-call
}

// Errors have a code, by which a program decides, and a text for people.
func Example_errors() {
	url, stop := serve()
	defer stop()
	groups := groupv1connect.NewGroupServiceClient(http.DefaultClient, url)
	_, err := groups.GetGroup(context.Background(), &groupv1.GetGroupRequest{Id: 999})
	fmt.Println(connect.CodeOf(err) == connect.CodeNotFound)
	fmt.Println(err)
	// Output:
	// true
	// not_found: group 999 not found
}
