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
	issuer := c.IssuerURL
	if accounts != nil {
		issuer = accounts.Issuer()
	}
	var args []string
	if issuer != "" {
		args = []string{
			"--oidc-issuer=" + issuer, "--oidc-audience=" + auth.Audience, "--oidc-roles-claim=roles", "--oidc-nickname-claim=nickname",
		}
	}
	if c.ServiceLimit != "off" {
		for _, service := range []string{"auth.v1.AuthService", "outing.v1.OutingService", "schedule.v1.ScheduleService", "club.v1.ClubService", "announcement.v1.AnnouncementService"} {
			args = append(args, "--service-limit=school."+service+"="+c.ServiceLimit)
		}
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
	c.addPreparation(p, accounts, beside.Edge)
	return nil
}

// joinBongsu prepares the Bongsu of a deployment for the services.
func (c *serveCmd) joinBongsu(p *process.Process, accounts *auth.Service) error {
	text, err := os.ReadFile(c.EdgeKeyFile)
	if err != nil {
		return fmt.Errorf("--edge-key-file: %w", err)
	}
	key := strings.TrimSpace(string(text))
	edge := platform.Edge{URL: c.EdgeURL, AdminKey: key, Client: &http.Client{Transport: platform.Bearer(key)}}
	c.addPreparation(p, accounts, func(context.Context) (platform.Edge, error) { return edge, nil })
	return nil
}

// addPreparation adds the task that prepares Bongsu, whose edge it waits for.
func (c *serveCmd) addPreparation(p *process.Process, accounts *auth.Service, edgeOf func(context.Context) (platform.Edge, error)) {
	p.AddTask(func(ctx context.Context) error {
		edge, err := edgeOf(ctx)
		if err == nil {
			err = c.prepare(ctx, p, edge, accounts)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the process stops
		}
		return err
	})
}

// prepare creates what the school needs in Bongsu, and then brings accounts into its directory until ctx
// ends.
func (c *serveCmd) prepare(ctx context.Context, p *process.Process, edge platform.Edge, accounts *auth.Service) error {
	if accounts == nil {
		return setNotifications(ctx, edge, c.EscalateAfter)
	}
	d := directory(p, edge.Client, edge.URL)
	if c.Seed {
		if err := accounts.Seed(ctx, seedPassword, seedAccounts...); err != nil {
			return fmt.Errorf("accounts: %w", err)
		}
	}
	if err := accounts.Sync(ctx, d); err != nil { // the groups that the notifications name
		return fmt.Errorf("directory: %w", err)
	}
	if err := setNotifications(ctx, edge, c.EscalateAfter); err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	attrs := []any{"edge", edge.URL}
	if c.Seed {
		if err := seed(ctx, edge.URL); err != nil {
			return fmt.Errorf("first data: %w", err)
		}
		attrs = append(attrs, "password", seedPassword, "accounts", seedIDs())
	}
	c.Log.Info("the school is ready", attrs...)
	return accounts.SyncDirectory(ctx, d)
}

func directory(p *process.Process, client *http.Client, edge string) auth.Directory {
	return auth.Directory{
		Users: userv1connect.NewUserServiceClient(client, edge), Groups: groupv1connect.NewGroupServiceClient(client, edge),
		SMS: smsCredential, Mail: mailCredential, Log: p.Log(),
	}
}
