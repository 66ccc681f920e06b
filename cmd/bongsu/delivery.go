package main

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// deliveryReplay is bongsu delivery replay.
type deliveryReplay struct {
	client
	IDs       []string      `arg:"" optional:"" name:"id" help:"Ids of deliveries; or select them by flags."`
	Alert     string        `placeholder:"ID" help:"Those of this alert."`
	Messenger string        `placeholder:"NAME" help:"Those by this messenger."`
	Reason    string        `placeholder:"WORD" help:"Those that ended for exactly this reason."`
	Since     string        `placeholder:"TIME" help:"Those that ended since: a time, or how long ago."`
	Until     string        `placeholder:"TIME" help:"Those that ended before: a time, or how long ago."`
	TTL       time.Duration `name:"ttl" placeholder:"DURATION" help:"How long they are tried from now; by default 24h."`
	Yes       bool          `help:"Do it. Without it they are only counted."`
}

// Help is the long help.
func (deliveryReplay) Help() string {
	return `Queues again what failed or expired, by id or by what the flags select; all that are set must hold. Without --yes it only counts. The attempts that were made stay on record.

Examples:

	bongsu delivery replay --reason=http_500 --since=2h
	bongsu delivery replay --reason=http_500 --since=2h --yes
	bongsu delivery replay 227894805024210945 --yes`
}

// Run is bongsu delivery replay.
func (c deliveryReplay) Run(ctx context.Context, con *console) error {
	req, err := c.request(con)
	if err != nil {
		return err
	}
	res, err := c.alerts().ReplayDeliveries(ctx, req)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		n := count(res.GetReplayedCount(), "delivery", "deliveries")
		if c.Yes {
			p.say("%s queued again", n)
			return
		}
		p.say("%s would be queued again: say --yes to do it", n)
	})
}

func (c deliveryReplay) request(con *console) (*alertv1.ReplayDeliveriesRequest, error) {
	req := &alertv1.ReplayDeliveriesRequest{DeliveryIds: c.IDs, DryRun: !c.Yes}
	if c.TTL != 0 {
		req.Ttl = durationpb.New(c.TTL)
	}
	filter := &alertv1.ReplayFilter{AlertId: c.Alert, Messenger: c.Messenger, Reason: c.Reason}
	for _, bound := range []struct {
		flag, text string
		field      **timestamppb.Timestamp
	}{
		{"--since", c.Since, &filter.EndTimeFrom},
		{"--until", c.Until, &filter.EndTimeBefore},
	} {
		if bound.text == "" {
			continue
		}
		t, ok := moment(bound.text, con.Now(), con.Zone)
		if !ok {
			return nil, usagef("%s is neither a time nor how long ago: %q", bound.flag, bound.text)
		}
		*bound.field = timestamppb.New(t)
	}
	selects := c.Alert+c.Messenger+c.Reason+c.Since+c.Until != ""
	if selects == (len(c.IDs) > 0) {
		return nil, usagef("name deliveries by id, or select them by flags, not both")
	}
	if selects {
		req.Filter = filter
	}
	return req, nil
}
