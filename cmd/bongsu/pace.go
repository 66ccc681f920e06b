package main

import (
	"context"
	"strconv"
	"strings"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

// messengerPaces is bongsu messenger paces.
type messengerPaces struct {
	client
	Messenger string `placeholder:"NAME" help:"Only the keys of this messenger."`
}

// Help is the long help.
func (messengerPaces) Help() string {
	return `A key is a credential by its fingerprint, or a destination under one. QUEUED are the deliveries under it that have not ended, DUE those of them that wait for nothing but their turn, OLDEST when the first of their alerts was sent. A limit of "-" is none, or one that nothing was called under lately.

Examples:

	bongsu messenger paces
	bongsu messenger paces --messenger=slack --json`
}

// Run is bongsu messenger paces.
func (c messengerPaces) Run(ctx context.Context, con *console) error {
	all := &messengerv1.ListPacesResponse{}
	req := &messengerv1.ListPacesRequest{Messenger: c.Messenger, PageSize: 1000}
	for {
		res, err := c.messengers().ListPaces(ctx, req)
		if err != nil {
			return err
		}
		all.Paces = append(all.Paces, res.GetPaces()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetPaces()) == 0 {
			p.say("nothing waits, and every key may be called")
			return
		}
		p.row("KEY", "QUEUED", "DUE", "OLDEST", "LIMIT", "STATE")
		for _, one := range all.GetPaces() {
			p.row(one.GetKey(), one.GetQueuedCount(), one.GetDueCount(), p.time(one.GetOldestCreateTime()), limit(one.GetLimitPerSecond()), p.standing(one))
		}
	})
}

// limit is a rate for people; empty where there is none.
func limit(perSecond float64) string {
	if perSecond == 0 {
		return ""
	}
	return strconv.FormatFloat(perSecond, 'g', 4, 64) + "/s"
}

// standing says why a key is not called now; empty where it may be.
func (p *page) standing(one *messengerv1.Pace) string {
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
		all = append(all, "to be tried again"+because(one.GetRefusalCode()))
	}
	if one.GetPausedUntilTime() != nil {
		all = append(all, "paused until "+p.time(one.GetPausedUntilTime())+because(one.GetPauseCode()))
	}
	if one.GetBreakerOpenUntilTime() != nil {
		all = append(all, "left alone until "+p.time(one.GetBreakerOpenUntilTime()))
	}
	if one.GetNextSlotTime() != nil {
		all = append(all, "reserved until "+p.time(one.GetNextSlotTime()))
	}
	return strings.Join(all, ", ")
}
