package cli

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// deliveryReplay is the command bongsu delivery replay.
type deliveryReplay struct {
	client
	IDs       []string      `arg:"" optional:"" name:"id" help:"The ids of deliveries; omit them to select by flags."`
	Alert     string        `placeholder:"ID" help:"Only deliveries of this alert."`
	Messenger string        `placeholder:"NAME" help:"Only deliveries by this messenger."`
	Reason    string        `placeholder:"WORD" help:"Only deliveries that failed or expired with exactly this reason; silenced for those of silenced alerts."`
	Since     string        `placeholder:"TIME" help:"Only deliveries completed at or after this time, or this long ago."`
	Until     string        `placeholder:"TIME" help:"Only deliveries completed before this time, or this long ago."`
	TTL       time.Duration `name:"ttl" placeholder:"DURATION" help:"The time to live from now on; 24h by default."`
	Yes       bool          `help:"Replay the deliveries; without it they are only counted."`
}

// Help returns the long help.
func (deliveryReplay) Help() string {
	return `Queues failed or expired deliveries again, by id or by the flags, all of which must match. Without --yes it only counts them. Earlier attempts stay on record.

Examples:

	bongsu delivery replay --reason=http_500 --since=2h
	bongsu delivery replay --reason=http_500 --since=2h --yes
	bongsu delivery replay 227894805024210945 --yes`
}

// Run executes bongsu delivery replay.
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
		p.say("%s would be queued again: add --yes to replay", n)
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
		t, ok := parseTime(bound.text, con.Now(), con.Zone)
		if !ok {
			return nil, usagef("invalid %s %q: use a time, or a duration before now", bound.flag, bound.text)
		}
		*bound.field = timestamppb.New(t)
	}
	selects := c.Alert+c.Messenger+c.Reason+c.Since+c.Until != ""
	if selects == (len(c.IDs) > 0) {
		return nil, usagef("select deliveries by id or by flags, not both")
	}
	if selects {
		req.Filter = filter
	}
	return req, nil
}
