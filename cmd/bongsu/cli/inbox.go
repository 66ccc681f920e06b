package cli

import (
	"context"
	"strings"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
)

// An inboxFlag command has a flag for the user whose inbox it is for.
type inboxFlag struct {
	client
	User string `placeholder:"USER" help:"The user whose inbox it is; by default that of the API key or token."`
}

// inboxList is the command bongsu inbox list.
type inboxList struct {
	inboxFlag
	Unread   bool  `help:"List unread items only."`
	Archived bool  `help:"List archived items in place of the others."`
	Limit    int32 `default:"50" placeholder:"50" help:"The maximum number of items, from 1 to 500."`
}

// Help returns the long help.
func (inboxList) Help() string {
	return "Lists the items of an inbox, the newest first. * marks unread ones. The alerts of an incident are one item, in its last state.\n\nExamples:\n\n\tbongsu inbox list --user=kim\n\tbongsu inbox list --unread --json"
}

// Run executes bongsu inbox list.
func (c inboxList) Run(ctx context.Context, con *console) error {
	if c.Limit < 1 {
		return usagef("invalid --limit %d: must be from 1 to 500", c.Limit)
	}
	res, err := c.inbox().List(ctx, &inboxv1.ListRequest{NickName: nickname(c.User), PageSize: c.Limit, UnreadOnly: c.Unread, Archived: c.Archived})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetItems()) == 0 {
			p.say("no items")
			return
		}
		p.row("ID", "STORED", "ALERT", "UNREAD", "TEXT", "LINK")
		for _, i := range res.GetItems() {
			unread := ""
			if i.GetReadTime() == nil {
				unread = "*"
			}
			text, _, _ := strings.Cut(i.GetText(), "\n")
			p.row(i.GetId(), p.time(i.GetStoreTime()), i.GetAlertId(), unread, text, i.GetLink())
		}
	})
}

// inboxRead is the command bongsu inbox read.
type inboxRead struct {
	inboxFlag
	ID string `arg:"" help:"The id of the item, or all."`
}

// Help returns the long help.
func (inboxRead) Help() string {
	return "Marks an item as read, or all. The deliveries then have the receipt read.\n\nExamples:\n\n\tbongsu inbox read 7 --user=kim\n\tbongsu inbox read all"
}

// Run executes bongsu inbox read.
func (c inboxRead) Run(ctx context.Context, con *console) error {
	if c.ID == "all" {
		res, err := c.inbox().MarkAllRead(ctx, &inboxv1.MarkAllReadRequest{NickName: nickname(c.User)})
		if err != nil {
			return err
		}
		return con.show(c.JSON, res, func(p *page) { p.say("items marked as read: %d", res.GetCount()) })
	}
	res, err := c.inbox().MarkRead(ctx, &inboxv1.MarkReadRequest{NickName: nickname(c.User), Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("item %s is read since %s", c.ID, p.time(res.GetItem().GetReadTime())) })
}

// inboxArchive is the command bongsu inbox archive.
type inboxArchive struct {
	inboxFlag
	ID string `arg:"" help:"The id of the item."`
}

// Help returns the long help.
func (inboxArchive) Help() string {
	return "Hides an item from the list, and marks it as read.\n\nExample:\n\n\tbongsu inbox archive 7 --user=kim"
}

// Run executes bongsu inbox archive.
func (c inboxArchive) Run(ctx context.Context, con *console) error {
	res, err := c.inbox().Archive(ctx, &inboxv1.ArchiveRequest{NickName: nickname(c.User), Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("item %s is archived", c.ID) })
}
