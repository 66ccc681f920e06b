package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
)

// A groupArg names the group of a command, and says where it is asked for.
type groupArg struct {
	client
	Group string `arg:"" help:"The group: its id (digits), its name, or @@name."`
}

const groupHelp = `A group is named by its id or by its name. Digits are always an id; a group whose name is all digits is named with @@ before it, as in a target.`

// id is the group's, for which a name is looked up.
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
		return 0, fmt.Errorf("no group is named %q; %s shows what there is", name, g.next("bongsu group list"))
	}
	return res.GetGroups()[0].GetId(), nil
}

// groupRef reads how a group is named: digits are its id, all else is its name,
// @@ before a name makes it one whatever it is made of. It never guesses, so a
// command that deletes cannot meet another group than the one that was meant.
func groupRef(text string) (id int32, name string, err error) {
	if name, ok := strings.CutPrefix(text, "@@"); ok && name != "" {
		return 0, name, nil
	}
	if text == "" || strings.HasPrefix(text, "@") {
		return 0, "", usagef("%q names no group; say its id, its name, or @@name", text)
	}
	if strings.Trim(text, "0123456789") != "" {
		return 0, text, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, "", usagef("%s is too great for a group's id; a group of this name is @@%s", text, text)
	}
	return int32(n), "", nil
}

// drawGroup shows a group and its members.
func drawGroup(p *page, g *groupv1.GroupUsers) {
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

// groupList is bongsu group list.
type groupList struct {
	client
}

// Help is the long help.
func (groupList) Help() string {
	return "Examples:\n\n\tbongsu group list\n\tbongsu group list --json"
}

// Run is bongsu group list.
func (c groupList) Run(ctx context.Context, con *console) error {
	res, err := c.groups().ListGroups(ctx, &groupv1.ListGroupsRequest{}) // no page size asks for all
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

// groupGet is bongsu group get.
type groupGet struct {
	groupArg
}

// Help is the long help.
func (groupGet) Help() string {
	return groupHelp + "\n\nExamples:\n\n\tbongsu group get test-team2\n\tbongsu group get 2 --json"
}

// Run is bongsu group get.
func (c groupGet) Run(ctx context.Context, con *console) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	res, err := c.groups().ListGroupUsers(ctx, &groupv1.ListGroupUsersRequest{Id: id})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { drawGroup(p, res.GetGroup()) })
}

// groupCreate is bongsu group create.
type groupCreate struct {
	client
	Name string `arg:"" help:"The new group's name, at most 30 characters."`
}

// Help is the long help.
func (groupCreate) Help() string {
	return "Example:\n\n\tbongsu group create on-call"
}

// Run is bongsu group create.
func (c groupCreate) Run(ctx context.Context, con *console) error {
	res, err := c.groups().CreateGroup(ctx, &groupv1.CreateGroupRequest{GroupName: c.Name})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("group %d is %s", res.GetGroup().GetId(), res.GetGroup().GetGroupName())
	})
}

// groupRename is bongsu group rename.
type groupRename struct {
	groupArg
	To string `arg:"" help:"The new name."`
}

// Help is the long help.
func (groupRename) Help() string {
	return groupHelp + "\n\nExample:\n\n\tbongsu group rename on-call night-watch"
}

// Run is bongsu group rename.
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

// groupDelete is bongsu group delete.
type groupDelete struct {
	groupArg
}

// Help is the long help.
func (groupDelete) Help() string {
	return groupHelp + "\n\nExample:\n\n\tbongsu group delete on-call"
}

// Run is bongsu group delete.
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

// groupAddUser is bongsu group add-user.
type groupAddUser struct {
	groupArg
	Nickname string `arg:"" help:"The user's nickname."`
}

// Help is the long help.
func (groupAddUser) Help() string {
	return groupHelp + " A user who is a member already stays one.\n\nExample:\n\n\tbongsu group add-user test-team2 user3"
}

// Run is bongsu group add-user.
func (c groupAddUser) Run(ctx context.Context, con *console) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	res, err := c.groups().AddGroupUser(ctx, &groupv1.AddGroupUserRequest{Id: id, NickName: nickname(c.Nickname)})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { drawGroup(p, res.GetGroup()) })
}

// groupRemoveUser is bongsu group remove-user.
type groupRemoveUser struct {
	groupArg
	Nickname string `arg:"" help:"The member's nickname."`
}

// Help is the long help.
func (groupRemoveUser) Help() string {
	return groupHelp + " The user stays.\n\nExample:\n\n\tbongsu group remove-user test-team2 user3"
}

// Run is bongsu group remove-user.
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
	return con.show(c.JSON, res, func(p *page) { p.say("%s is no member of group %d any more", name, id) })
}
