package cli

import (
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/config"
)

// listPage is the page size of commands that list everything.
const listPage = 1000

// keyCreate is the command bongsu key create.
type keyCreate struct {
	client
	Name     string   `arg:"" help:"Whose key it is, at most 100 characters."`
	Role     string   `required:"" enum:"sender,viewer,operator,admin,user" placeholder:"ROLE" help:"What the key may do: sender, viewer, operator, admin or user."`
	Nickname string   `placeholder:"USER" help:"The user whose key it is; required for role user."`
	Expires  string   `placeholder:"90d" help:"How long the key is valid, in days such as 90d, or a duration such as 12h; by default it does not expire."`
	Allow    []string `placeholder:"ADDRESS" help:"An IP address or a network such as 10.0.0.0/8 from which the key is accepted; repeatable or separated by commas. By default all."`
}

// Help returns the long help.
func (keyCreate) Help() string {
	return `A sender sends alerts. A viewer reads everything but credentials, keys and the audit log. An operator may also cancel, replay and change users, groups and templates. An admin may do everything. A user reads their own inbox.

The key is printed once and cannot be read again: only its hash is stored. Callers send it as Authorization: Bearer KEY.

Examples:

	bongsu key create alertmanager --role=sender --allow=10.0.0.0/8
	bongsu key create kim --role=operator --expires=90d
	bongsu key create "kim's phone" --role=user --nickname=kim`
}

// Run executes bongsu key create.
func (c keyCreate) Run(ctx context.Context, con *console) error {
	req := &accessv1.CreateKeyRequest{Name: c.Name, Role: c.Role, NickName: nickname(c.Nickname), AllowedAddresses: c.Allow}
	if c.Expires != "" {
		valid, err := config.ParseDays(c.Expires)
		if err != nil || valid == 0 {
			return usagef("invalid --expires %q: use days such as 90d, or a duration such as 12h", c.Expires)
		}
		req.ExpireTime = timestamppb.New(con.Now().Add(valid))
	}
	res, err := c.access().CreateKey(ctx, req)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("%s", res.GetKey())
		con.warn("keep it in a safe place: it is not shown again; %s revokes it", c.next("bongsu key revoke "+res.GetId()))
	})
}

// keyList is the command bongsu key list.
type keyList struct{ client }

// Help returns the long help.
func (keyList) Help() string {
	return "Seal keys, which encrypt credentials, are listed by bongsu seal-key list FILE.\n\nExamples:\n\n\tbongsu key list\n\tbongsu key list --json"
}

// Run executes bongsu key list.
func (c keyList) Run(ctx context.Context, con *console) error {
	all := &accessv1.ListKeysResponse{}
	for token := ""; ; {
		res, err := c.access().ListKeys(ctx, &accessv1.ListKeysRequest{PageSize: listPage, PageToken: token})
		if err != nil {
			return err
		}
		all.Keys = append(all.GetKeys(), res.GetKeys()...)
		if token = res.GetNextPageToken(); token == "" {
			break
		}
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetKeys()) == 0 {
			p.say("no API keys")
			return
		}
		p.row("ID", "NAME", "ROLE", "USER", "STATE", "CREATED", "EXPIRES", "LAST USED", "ALLOWED")
		for _, k := range all.GetKeys() {
			p.row(k.GetId(), k.GetName(), k.GetRole(), k.GetNickName(), keyState(k, con.Now()), p.time(k.GetCreateTime()), p.time(k.GetExpireTime()),
				p.time(k.GetLastUseTime()), strings.Join(k.GetAllowedAddresses(), ","))
		}
	})
}

// keyState returns whether a key is accepted.
func keyState(k *accessv1.Key, now time.Time) string {
	switch {
	case k.GetRevokeTime() != nil:
		return "revoked"
	case k.GetExpireTime() != nil && !now.Before(k.GetExpireTime().AsTime()):
		return "expired"
	}
	return "valid"
}

// keyRevoke is the command bongsu key revoke.
type keyRevoke struct {
	client
	ID string `arg:"" help:"The id of the key, as bongsu key list prints it: the part of a key between bgs_ and the next _."`
}

// Help returns the long help.
func (keyRevoke) Help() string {
	return "Every edge refuses a revoked key within 5 seconds. A revoked key stays in the list.\n\nExample:\n\n\tbongsu key revoke k7m2xq4t5pdzn3ra"
}

// Run executes bongsu key revoke.
func (c keyRevoke) Run(ctx context.Context, con *console) error {
	if _, _, ok := auth.ParseKey(c.ID); ok {
		return usagef("give the id of the key, not the key: the part between bgs_ and the next _")
	}
	res, err := c.access().RevokeKey(ctx, &accessv1.RevokeKeyRequest{Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("key %s is revoked", c.ID) })
}
