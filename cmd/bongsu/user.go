package main

import (
	"context"
	"fmt"
	"strings"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// A userArg names the user of a command, and says where they are asked for.
type userArg struct {
	client
	Nickname string `arg:"" help:"The user's nickname."`
}

func (u userArg) name() string { return nickname(u.Nickname) }

// nickname is what a person calls a user, without the @ of a target.
func nickname(text string) string { return strings.TrimPrefix(text, "@") }

// drawUser shows a user and their addresses.
func drawUser(p *page, u *userv1.User) {
	p.field("user", u.GetId())
	p.field("nickname", u.GetNickName())
	p.field("failover", onOff(u.GetFailover()))
	p.field("addresses", len(u.GetAddresses()))
	if len(u.GetAddresses()) == 0 {
		return
	}
	p.say("")
	p.row("ID", "RANK", "MESSENGER", "DESTINATION")
	for _, a := range u.GetAddresses() {
		p.row(a.GetId(), a.GetRank(), a.GetMessenger(), a.GetDestination())
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// userList is bongsu user list.
type userList struct {
	client
}

// Help is the long help.
func (userList) Help() string {
	return "Examples:\n\n\tbongsu user list\n\tbongsu user list --json"
}

// Run is bongsu user list.
func (c userList) Run(ctx context.Context, con *console) error {
	req := &userv1.ListUsersRequest{PageSize: 1000}
	all := &userv1.ListUsersResponse{}
	for {
		res, err := c.users().ListUsers(ctx, req)
		if err != nil {
			return err
		}
		all.Users = append(all.Users, res.GetUsers()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetUsers()) == 0 {
			p.say("no users")
			return
		}
		p.row("ID", "NICKNAME", "FAILOVER", "ADDRESSES")
		for _, u := range all.GetUsers() {
			addresses := make([]string, len(u.GetAddresses()))
			for i, a := range u.GetAddresses() {
				addresses[i] = a.GetMessenger() + " " + a.GetDestination()
			}
			p.row(u.GetId(), u.GetNickName(), onOff(u.GetFailover()), strings.Join(addresses, ", "))
		}
	})
}

// userGet is bongsu user get.
type userGet struct {
	userArg
}

// Help is the long help.
func (userGet) Help() string {
	return "Credentials are never shown: they go in and do not come out.\n\nExample:\n\n\tbongsu user get user1"
}

// Run is bongsu user get.
func (c userGet) Run(ctx context.Context, con *console) error {
	res, err := c.users().GetUser(ctx, &userv1.GetUserRequest{NickName: c.name()})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { drawUser(p, res.GetUser()) })
}

// userCreate is bongsu user create.
type userCreate struct {
	userArg
	Failover    bool   `help:"Use the user's addresses one after the other, by rank, not all at once."`
	Messenger   string `placeholder:"NAME" help:"Messenger of a first address, such as slack."`
	Destination string `placeholder:"TEXT" help:"Where it delivers, such as a channel's id. Some messengers need none; bongsu messenger list says what each needs."`
	ranked
	credential
}

// Help is the long help.
func (userCreate) Help() string {
	return `Without --messenger the user has no address yet.

` + sealedHelp + `

Examples:

	bongsu user create user1
	bongsu user create user1 --messenger=slack --destination=C0123456789 --credential-file=token.txt
	bongsu user create user2 --messenger=discord --credential-file=webhook-url.txt`
}

// Run is bongsu user create.
func (c userCreate) Run(ctx context.Context, con *console) error {
	req := &userv1.CreateUserRequest{NickName: c.name(), Failover: c.Failover}
	switch {
	case c.Messenger != "": // whether it needs a destination, the service knows
		secret, err := c.read(con.In)
		if err != nil {
			return err
		}
		req.Addresses = []*userv1.NewAddress{{Messenger: c.Messenger, Destination: c.Destination, Credential: secret, Rank: c.Rank}}
	case c.Destination != "" || c.Rank != nil || c.given():
		return usagef("an address needs --messenger and what that needs (bongsu messenger list); or say nothing of an address")
	}
	res, err := c.users().CreateUser(ctx, req)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { drawUser(p, res.GetUser()) })
}

// userRename is bongsu user rename.
type userRename struct {
	userArg
	To string `arg:"" help:"The new nickname."`
}

// Help is the long help.
func (userRename) Help() string {
	return "Addresses and memberships stay.\n\nExample:\n\n\tbongsu user rename user1 jiwoo"
}

// Run is bongsu user rename.
func (c userRename) Run(ctx context.Context, con *console) error {
	res, err := c.users().UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: c.name(), NewNickName: nickname(c.To)})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("user %d is %s", res.GetUser().GetId(), res.GetUser().GetNickName())
	})
}

// userSet is bongsu user set.
type userSet struct {
	userArg
	Failover *bool `negatable:"" help:"Use the user's addresses one after the other, by rank, not all at once."`
}

// Help is the long help.
func (userSet) Help() string {
	return `With failover the next address is used where the one before failed, or has not been taken within a bound (serve --failover-after). What is not said stays.

Examples:

	bongsu user set user1 --failover
	bongsu user set user1 --no-failover`
}

// Run is bongsu user set.
func (c userSet) Run(ctx context.Context, con *console) error {
	if c.Failover == nil {
		return usagef("say what to set: --failover or --no-failover")
	}
	res, err := c.users().UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: c.name(), Failover: c.Failover})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { drawUser(p, res.GetUser()) })
}

// userDelete is bongsu user delete.
type userDelete struct {
	userArg
}

// Help is the long help.
func (userDelete) Help() string {
	return "The record of what was delivered to them stays.\n\nExample:\n\n\tbongsu user delete user1"
}

// Run is bongsu user delete.
func (c userDelete) Run(ctx context.Context, con *console) error {
	res, err := c.users().DeleteUser(ctx, &userv1.DeleteUserRequest{NickName: c.name()})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("user %s is deleted", c.name()) })
}

// find gives the user's address that text names: by its id, or by its messenger,
// of which a user has at most one address each.
func (u userArg) find(ctx context.Context, text string) (*userv1.Address, error) {
	res, err := u.users().GetUser(ctx, &userv1.GetUserRequest{NickName: u.name()})
	if err != nil {
		return nil, err
	}
	for _, a := range res.GetUser().GetAddresses() {
		if text == fmt.Sprint(a.GetId()) || text == a.GetMessenger() {
			return a, nil
		}
	}
	return nil, fmt.Errorf("user %s has no address %q; %s shows theirs", u.name(), text, u.next("bongsu user get "+asArgument(u.Nickname)))
}
