package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
)

// A groupArg is the argument that names a group, with the flags of the client.
type groupArg struct {
	client
	Group string `arg:"" help:"The group, by its id (digits), its name, or @@name."`
}

const groupHelp = `A group is given by its id or its name. Digits are always an id; write a name of digits only as @@name.`

// id returns the id of the group; it looks up a name.
func (g groupArg) id(ctx context.Context) (int32, error) {
	id, name, err := groupRef(g.Group)
	if err != nil || name == "" {
		return id, err
	}
	res, err := g.groups().ListGroups(ctx, &groupv1.ListGroupsRequest{GroupName: name})
	if err != nil {
		return 0, err
	}
	if len(res.GetGroups()) != 1 {
		return 0, fmt.Errorf("unknown group %q; see %s", name, g.next("bongsu group list"))
	}
	return res.GetGroups()[0].GetId(), nil
}

// groupRef parses the reference to a group: digits are its id, @@name and all else its
// name. It never guesses, so that a command never deletes another group than the
// intended one.
func groupRef(text string) (id int32, name string, err error) {
	if name, ok := strings.CutPrefix(text, "@@"); ok && name != "" {
		return 0, name, nil
	}
	if text == "" || strings.HasPrefix(text, "@") {
		return 0, "", usagef("malformed group %q: use its id, its name, or @@name", text)
	}
	if strings.Trim(text, "0123456789") != "" {
		return 0, text, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, "", usagef("group id %s is too large; to name a group of digits write @@%s", text, text)
	}
	return int32(n), "", nil
}

// printGroup prints a group and its members.
func printGroup(p *page, g *groupv1.GroupUsers) {
	p.field("group", g.GetId())
	p.field("name", g.GetGroupName())
	p.field("members", len(g.GetUserList()))
	if len(g.GetUserList()) == 0 {
		return
	}
	p.say("")
	p.row("ID", "NICKNAME")
	for _, u := range g.GetUserList() {
		p.row(u.GetId(), u.GetNickName())
	}
}

// groupList is the command bongsu group list.
type groupList struct {
	client
}

// Help returns the long help.
func (groupList) Help() string {
	return "Examples:\n\n\tbongsu group list\n\tbongsu group list --json"
}

// Run executes bongsu group list.
func (c groupList) Run(ctx context.Context, con *console) error {
	res, err := c.groups().ListGroups(ctx, &groupv1.ListGroupsRequest{}) // without a page size all are returned
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetGroups()) == 0 {
			p.say("no groups")
			return
		}
		p.row("ID", "NAME")
		for _, g := range res.GetGroups() {
			p.row(g.GetId(), g.GetGroupName())
		}
	})
}

// groupGet is the command bongsu group get.
type groupGet struct {
	groupArg
}

// Help returns the long help.
func (groupGet) Help() string {
	return groupHelp + "\n\nExamples:\n\n\tbongsu group get test-team2\n\tbongsu group get 2 --json"
}

// Run executes bongsu group get.
func (c groupGet) Run(ctx context.Context, con *console) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	res, err := c.groups().ListGroupUsers(ctx, &groupv1.ListGroupUsersRequest{Id: id})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printGroup(p, res.GetGroup()) })
}

// groupCreate is the command bongsu group create.
type groupCreate struct {
	client
	Name string `arg:"" help:"The name of the new group, at most 30 characters."`
}

// Help returns the long help.
func (groupCreate) Help() string {
	return "Example:\n\n\tbongsu group create on-call"
}

// Run executes bongsu group create.
func (c groupCreate) Run(ctx context.Context, con *console) error {
	res, err := c.groups().CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: c.Name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("group %d is %s", res.GetGroup().GetId(), res.GetGroup().GetGroupName())
	})
}

// groupRename is the command bongsu group rename.
type groupRename struct {
	groupArg
	To string `arg:"" help:"The new name."`
}

// Help returns the long help.
func (groupRename) Help() string {
	return groupHelp + "\n\nExample:\n\n\tbongsu group rename on-call night-watch"
}

// Run executes bongsu group rename.
func (c groupRename) Run(ctx context.Context, con *console) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	res, err := c.groups().RenameGroup(ctx, &groupv1.RenameGroupRequest{Id: id, GroupName: c.To})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("group %d is %s", res.GetGroup().GetId(), res.GetGroup().GetGroupName())
	})
}

// groupDelete is the command bongsu group delete.
type groupDelete struct {
	groupArg
}

// Help returns the long help.
func (groupDelete) Help() string {
	return groupHelp + "\n\nExample:\n\n\tbongsu group delete on-call"
}

// Run executes bongsu group delete.
func (c groupDelete) Run(ctx context.Context, con *console) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	res, err := c.groups().DeleteGroup(ctx, &groupv1.DeleteGroupRequest{Id: id})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("group %d is deleted", id) })
}

// groupAddUser is the command bongsu group add-user.
type groupAddUser struct {
	groupArg
	Nickname string `arg:"" help:"The user's nickname."`
}

// Help returns the long help.
func (groupAddUser) Help() string {
	return groupHelp + " Adding a member again changes nothing.\n\nExample:\n\n\tbongsu group add-user test-team2 user3"
}

// Run executes bongsu group add-user.
func (c groupAddUser) Run(ctx context.Context, con *console) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	res, err := c.groups().AddGroupUser(ctx, &groupv1.AddGroupUserRequest{Id: id, NickName: nickname(c.Nickname)})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { printGroup(p, res.GetGroup()) })
}

// groupRemoveUser is the command bongsu group remove-user.
type groupRemoveUser struct {
	groupArg
	Nickname string `arg:"" help:"The member's nickname."`
}

// Help returns the long help.
func (groupRemoveUser) Help() string {
	return groupHelp + " The user is not deleted.\n\nExample:\n\n\tbongsu group remove-user test-team2 user3"
}

// Run executes bongsu group remove-user.
func (c groupRemoveUser) Run(ctx context.Context, con *console) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	name := nickname(c.Nickname)
	res, err := c.groups().RemoveGroupUser(ctx, &groupv1.RemoveGroupUserRequest{Id: id, NickName: name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("%s is removed from group %d", name, id) })
}
