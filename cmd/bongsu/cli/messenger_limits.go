package cli

import (
	"context"
	"strconv"
	"strings"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// messengerLimits is the command bongsu messenger paces.
type messengerLimits struct {
	client
	Messenger string `placeholder:"NAME" help:"Only keys of this messenger."`
}

// Help returns the long help.
func (messengerLimits) Help() string {
	return `A key is the fingerprint of a credential, or of a destination under one. QUEUED is the number of deliveries under it that are not completed, DUE the number of those that wait only for a slot, OLDEST the time of their first alert. A limit of "-" means none, or no recent call.

Examples:

	bongsu messenger paces
	bongsu messenger paces --messenger=slack --json`
}

// Run executes bongsu messenger paces.
func (l messengerLimits) Run(ctx context.Context, con *console) error {
	all := &messengerv1.ListPacesResponse{}
	req := &messengerv1.ListPacesRequest{Messenger: l.Messenger, PageSize: 1000}
	for {
		res, err := l.messengers().ListPaces(ctx, req)
		if err != nil {
			return err
		}
		all.Paces = append(all.Paces, res.GetPaces()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	return con.show(l.JSON, all, func(p *page) {
		if len(all.GetPaces()) == 0 {
			p.say("no backlog, and no key is paused or refused")
			return
		}
		p.row("KEY", "QUEUED", "DUE", "OLDEST", "LIMIT", "STATE")
		for _, one := range all.GetPaces() {
			p.row(one.GetKey(), one.GetQueuedCount(), one.GetDueCount(), p.time(one.GetOldestCreateTime()), limit(one.GetLimitPerSecond()), p.keyStatus(one))
		}
	})
}

// limit returns a rate limit as text, or "" for none.
func limit(perSecond float64) string {
	if perSecond == 0 {
		return ""
	}
	return strconv.FormatFloat(perSecond, 'g', 4, 64) + "/s"
}

// keyStatus returns why a key is not called now, or "" if it may be.
func (p *page) keyStatus(one *messengerv1.Pace) string {
	var all []string
	because := func(code string) string {
		if code == "" {
			return ""
		}
		return " (" + code + ")"
	}
	switch {
	case one.GetRefusedUntilTime() != nil:
		all = append(all, "refused until "+p.time(one.GetRefusedUntilTime())+because(one.GetRefusalCode()))
	case one.GetRefusalCode() != "":
		all = append(all, "next call is a probe"+because(one.GetRefusalCode()))
	}
	if one.GetPausedUntilTime() != nil {
		all = append(all, "paused until "+p.time(one.GetPausedUntilTime())+because(one.GetPauseCode()))
	}
	if one.GetBreakerOpenUntilTime() != nil {
		all = append(all, "breaker open until "+p.time(one.GetBreakerOpenUntilTime()))
	}
	if one.GetNextSlotTime() != nil {
		all = append(all, "reserved until "+p.time(one.GetNextSlotTime()))
	}
	return strings.Join(all, ", ")
}
