package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// alertWatch is bongsu alert watch.
type alertWatch struct {
	client
	ID string `arg:"" help:"The alert's id."`
}

// Help is the long help.
func (alertWatch) Help() string {
	return `Shows the deliveries as they are, then each that changes, and ends when all have ended: with 0 where all were sent, else with 1. Where failover is on, one that was sent stands for its chain. With --json each message of the stream is a document.

Examples:

	bongsu alert watch 227894805024210944`
}

// Run is bongsu alert watch.
func (c alertWatch) Run(ctx context.Context, con *console) error {
	return c.watch(ctx, con, c.ID)
}

// watch shows an alert until all has ended.
func (c client) watch(ctx context.Context, con *console, id string) error {
	stream, err := c.alerts().WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: id})
	if err != nil {
		return c.failed(ctx, err, true)
	}
	defer stream.Close()
	var counts *alertv1.DeliveryCounts
	latest := map[string]*alertv1.Delivery{} // by id
	for stream.Receive() {
		news := stream.Msg()
		counts = news.GetDeliveryCounts()
		for _, d := range news.GetDeliveries() {
			latest[d.GetId()] = &alertv1.Delivery{Chain: d.GetChain(), State: d.GetState()} // what the end needs of it
		}
		if err := con.show(c.JSON, news, func(p *page) {
			for _, d := range news.GetDeliveries() {
				status, code, _ := evidence(d)
				p.say("@%s by %s to %s: %s (%s, status %s, code %s)", d.GetNickName(), d.GetMessenger(), d.GetDestination(),
					state(d), count(int32(len(d.GetAttempts())), "attempt", "attempts"), orDash(status), orDash(code))
			}
		}); err != nil {
			return err
		}
	}
	if err := stream.Err(); err != nil {
		return c.failed(ctx, err, true)
	}
	if !allTold(slices.Collect(maps.Values(latest))) {
		return fmt.Errorf("not all was sent: %s", tally(counts))
	}
	return nil
}

// allTold says whether each of ds was sent, or another of its chain.
func allTold(ds []*alertv1.Delivery) bool {
	chains := map[string]bool{} // of which one was sent
	for _, d := range ds {
		if d.GetState() == alertv1.DeliveryState_DELIVERY_STATE_SENT && d.GetChain() != "" {
			chains[d.GetChain()] = true
		}
	}
	return !slices.ContainsFunc(ds, func(d *alertv1.Delivery) bool {
		return d.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT && !chains[d.GetChain()]
	})
}

// alertCancel is bongsu alert cancel.
type alertCancel struct {
	client
	ID string `arg:"" help:"The alert's id."`
}

// Help is the long help.
func (alertCancel) Help() string {
	return `Stops what has not been sent. A delivery that a sender holds just now may still be sent; it is not tried again.

Examples:

	bongsu alert cancel 227894805024210944`
}

// Run is bongsu alert cancel.
func (c alertCancel) Run(ctx context.Context, con *console) error {
	res, err := c.alerts().CancelAlert(ctx, &alertv1.CancelAlertRequest{Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("%s canceled", count(res.GetCanceledCount(), "delivery", "deliveries"))
		p.say("next: %s", c.next("bongsu alert get "+c.ID))
	})
}
