package cli

import (
	"context"
	"fmt"
	"strings"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// A userArg is the argument that names a user, with the flags of the client.
type userArg struct {
	client
	Nickname string `arg:"" help:"The user's nickname."`
}

func (u userArg) name() string { return nickname(u.Nickname) }

// nickname returns a nickname without the @ of a target.
func nickname(text string) string { return strings.TrimPrefix(text, "@") }

// printUser prints a user and the user's addresses.
func printUser(p *page, u *userv1.User) {
	p.field("user", u.GetId())
	p.field("nickname", u.GetNickName())
	p.field("failover", onOff(u.GetFailover()))
	if hours := u.GetQuietHours(); hours != nil {
		p.field("quiet hours", quietHoursText(hours))
	}
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

// userList is the command bongsu user list.
type userList struct {
	client
}

// Help returns the long help.
func (userList) Help() string {
	return "Examples:\n\n\tbongsu user list\n\tbongsu user list --json"
}

// Run executes bongsu user list.
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

// userGet is the command bongsu user get.
type userGet struct {
	userArg
}

// Help returns the long help.
func (userGet) Help() string {
	return "Credentials are never shown: they are write-only.\n\nExample:\n\n\tbongsu user get user1"
}

// Run executes bongsu user get.
func (c userGet) Run(ctx context.Context, con *console) error {
	res, err := c.users().GetUser(ctx, &userv1.GetUserRequest{NickName: c.name()})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printUser(p, res.GetUser()) })
}

// userCreate is the command bongsu user create.
type userCreate struct {
	userArg
	Failover    bool   `help:"Turn failover on: use the addresses one after the other by address rank, not all at once."`
	Messenger   string `placeholder:"NAME" help:"The messenger of a first address, such as slack."`
	Destination string `placeholder:"TEXT" help:"The destination, such as a channel id; see bongsu messenger list for what each messenger needs."`
	rankFlag
	credentialFlags
}

// Help returns the long help.
func (userCreate) Help() string {
	return `Without --messenger the user has no address.

` + sealedHelp + `

Examples:

	bongsu user create user1
	bongsu user create user1 --messenger=slack --destination=C0123456789 --credential-file=token.txt
	bongsu user create user2 --messenger=discord --credential-file=webhook-url.txt`
}

// Run executes bongsu user create.
func (c userCreate) Run(ctx context.Context, con *console) error {
	req := &userv1.CreateUserRequest{NickName: c.name(), Failover: c.Failover}
	switch {
	case c.Messenger != "": // the service checks whether it needs a destination
		secret, err := c.readFor(c.Messenger, con.In)
		if err != nil {
			return err
		}
		req.Addresses = []*userv1.NewAddress{{Messenger: c.Messenger, Destination: c.Destination, Credential: secret, Rank: c.Rank}}
	case c.Destination != "" || c.Rank != nil || c.given():
		return usagef("an address needs --messenger and its settings (bongsu messenger list); omit all address flags for a user without one")
	}
	res, err := c.users().CreateUser(ctx, req)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printUser(p, res.GetUser()) })
}

// userRename is the command bongsu user rename.
type userRename struct {
	userArg
	To string `arg:"" help:"The new nickname."`
}

// Help returns the long help.
func (userRename) Help() string {
	return "Addresses and memberships are kept.\n\nExample:\n\n\tbongsu user rename user1 jiwoo"
}

// Run executes bongsu user rename.
func (c userRename) Run(ctx context.Context, con *console) error {
	res, err := c.users().UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: c.name(), NewNickName: nickname(c.To)})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("user %d is %s", res.GetUser().GetId(), res.GetUser().GetNickName())
	})
}

// userSet is the command bongsu user set.
type userSet struct {
	userArg
	Failover *bool `negatable:"" help:"Turn failover on or off: use the addresses one after the other by address rank, not all at once."`
}

// Help returns the long help.
func (userSet) Help() string {
	return `With failover the next address is used if the one before failed, or was not sent within the failover delay (serve --failover-after).

Examples:

	bongsu user set user1 --failover
	bongsu user set user1 --no-failover`
}

// Run executes bongsu user set.
func (c userSet) Run(ctx context.Context, con *console) error {
	if c.Failover == nil {
		return usagef("missing flag: --failover or --no-failover")
	}
	res, err := c.users().UpdateUser(ctx, &userv1.UpdateUserRequest{NickName: c.name(), Failover: c.Failover})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printUser(p, res.GetUser()) })
}

// userDelete is the command bongsu user delete.
type userDelete struct {
	userArg
}

// Help returns the long help.
func (userDelete) Help() string {
	return "The record of deliveries to the user is kept.\n\nExample:\n\n\tbongsu user delete user1"
}

// Run executes bongsu user delete.
func (c userDelete) Run(ctx context.Context, con *console) error {
	res, err := c.users().DeleteUser(ctx, &userv1.DeleteUserRequest{NickName: c.name()})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("user %s is deleted", c.name()) })
}

// find returns the address with an id, or by a messenger, of which a user has at most
// one address each.
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
	return nil, fmt.Errorf("user %s has no address %q; see %s", u.name(), text, u.next("bongsu user get "+asArgument(u.Nickname)))
}
