package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// alertWatch is the command bongsu alert watch.
type alertWatch struct {
	client
	ID string `arg:"" help:"The alert's id."`
}

// Help returns the long help.
func (alertWatch) Help() string {
	return `Shows the deliveries and then each change until all are completed. Exits with 0 if all were sent, otherwise with 1. With failover one sent delivery of a failover chain is enough. With --json each message of the stream is a JSON document.

Examples:

	bongsu alert watch 227894805024210944`
}

// Run executes bongsu alert watch.
func (c alertWatch) Run(ctx context.Context, con *console) error {
	return c.watch(ctx, con, c.ID)
}

// watch prints the changes of an alert until all of its deliveries are completed.
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
			latest[d.GetId()] = &alertv1.Delivery{Chain: d.GetChain(), State: d.GetState()} // used for the exit code
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
	if !allNotified(slices.Collect(maps.Values(latest))) {
		return fmt.Errorf("not all deliveries were sent: %s", countsLine(counts))
	}
	return nil
}

// allNotified reports whether each delivery, or another one of its failover chain, was
// sent.
func allNotified(ds []*alertv1.Delivery) bool {
	chains := map[string]bool{} // chains with a sent delivery
	for _, d := range ds {
		if d.GetState() == alertv1.DeliveryState_DELIVERY_STATE_SENT && d.GetChain() != "" {
			chains[d.GetChain()] = true
		}
	}
	return !slices.ContainsFunc(ds, func(d *alertv1.Delivery) bool {
		return d.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT && !chains[d.GetChain()]
	})
}

// alertCancel is the command bongsu alert cancel.
type alertCancel struct {
	client
	ID string `arg:"" help:"The alert's id."`
}

// Help returns the long help.
func (alertCancel) Help() string {
	return `Cancels deliveries that are not sent. A delivery that a sender has claimed may still be sent; it is not retried.

Examples:

	bongsu alert cancel 227894805024210944`
}

// Run executes bongsu alert cancel.
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
