package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	"github.com/bongsu-project/bongsu/examples/school/auth"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/process"
)

// The credentials of the fake providers of short messages and mail.
const (
	smsCredential  = "AC0123456789abcdef:secret:+15005550006"
	mailCredential = "smtp://school:secret@mail.school.example:587?from=school@school.example" //nolint:gosec // of a fake provider
)

// startBongsu starts Bongsu beside the services: its edge accepts the tokens of auth. When it is ready,
// the rules, the first accounts and their data are created.
func (c *serveCmd) startBongsu(ctx context.Context, p *process.Process, beside *platform.Platform, accounts *auth.Service) error {
	var args []string
	if accounts != nil {
		args = []string{
			"--oidc-issuer=" + accounts.Issuer(), "--oidc-audience=" + auth.Audience, "--oidc-roles-claim=roles", "--oidc-nickname-claim=nickname",
		}
	}
	for _, service := range []string{"auth.v1.AuthService", "outing.v1.OutingService", "schedule.v1.ScheduleService", "club.v1.ClubService", "announcement.v1.AnnouncementService"} {
		args = append(args, "--service-limit=school."+service+"=200/s")
	}
	args = append(args, "--response-cache=16MiB")
	if host, port, err := net.SplitHostPort(c.EdgeAddr); err == nil && host != "" && port != "0" { // otherwise messages have no links to acknowledge
		args = append(args, "--public-url=http://"+c.EdgeAddr)
	}
	args = append(args, "--trusted-proxies=127.0.0.1,::1") // the pages name the addresses of people: the edge limits each person
	if err := beside.StartBongsu(ctx, args...); err != nil {
		return err
	}
	for _, task := range beside.Tasks() {
		p.AddTask(task)
	}
	p.AddTask(func(ctx context.Context) error {
		err := c.prepare(ctx, p, beside, accounts)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the process stops
		}
		return err
	})
	return nil
}

// prepare creates what the school needs in Bongsu, and then brings accounts into its directory until ctx
// ends.
func (c *serveCmd) prepare(ctx context.Context, p *process.Process, beside *platform.Platform, accounts *auth.Service) error {
	edge, err := beside.Edge(ctx)
	if err != nil {
		return err
	}
	if accounts == nil {
		return nil
	}
	d := directory(p, edge.Client, edge.URL)
	if err := accounts.Seed(ctx, seedPassword, seedAccounts...); err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	if err := accounts.Sync(ctx, d); err != nil { // the groups that the notifications name
		return fmt.Errorf("directory: %w", err)
	}
	if err := setNotifications(ctx, edge); err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	if err := seed(ctx, edge.URL); err != nil {
		return fmt.Errorf("first data: %w", err)
	}
	c.Log.Info("the school is ready", "edge", edge.URL, "password", seedPassword, "accounts", seedIDs())
	return accounts.SyncDirectory(ctx, d)
}

// syncDirectory brings accounts into the directory of the Bongsu of a deployment.
func (c *serveCmd) syncDirectory(p *process.Process, accounts *auth.Service) error {
	key, err := os.ReadFile(c.EdgeKeyFile)
	if err != nil {
		return fmt.Errorf("--edge-key-file: %w", err)
	}
	d := directory(p, &http.Client{Transport: platform.Bearer(strings.TrimSpace(string(key)))}, c.EdgeURL)
	p.AddTask(func(ctx context.Context) error { return accounts.SyncDirectory(ctx, d) })
	return nil
}

func directory(p *process.Process, client *http.Client, edge string) auth.Directory {
	return auth.Directory{
		Users: userv1connect.NewUserServiceClient(client, edge), Groups: groupv1connect.NewGroupServiceClient(client, edge),
		SMS: smsCredential, Mail: mailCredential, Log: p.Log(),
	}
}
