package cli

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// alertFilter are the flags that select deliveries by their alerts.
type alertFilter struct {
	AlertKey string `placeholder:"KEY" help:"Only deliveries of alerts with this alert key."`
	Source   string `placeholder:"NAME" help:"Only deliveries of alerts of this source of intake, such as grafana."`
	Group    string `placeholder:"NAME" help:"Only deliveries of alerts with the target @@NAME."`
}

// setTimeRange sets the bounds of a time range whose flags are not empty.
func setTimeRange(con *console, since, until string, from, before **timestamppb.Timestamp) error {
	for _, bound := range []struct {
		flag, text string
		field      **timestamppb.Timestamp
	}{
		{"--since", since, from},
		{"--until", until, before},
	} {
		if bound.text == "" {
			continue
		}
		t, ok := parseTime(bound.text, con.Now(), con.Zone)
		if !ok {
			return usagef("invalid %s %q: use a time, or a duration before now", bound.flag, bound.text)
		}
		*bound.field = timestamppb.New(t)
	}
	return nil
}

// deliveryCancel is the command bongsu delivery cancel.
type deliveryCancel struct {
	client
	Alert     string `placeholder:"ID" help:"Only deliveries of this alert."`
	Messenger string `placeholder:"NAME" help:"Only deliveries by this messenger."`
	alertFilter
	Since string `placeholder:"TIME" help:"Only deliveries of alerts accepted at or after this time, or this long ago."`
	Until string `placeholder:"TIME" help:"Only deliveries of alerts accepted before this time, or this long ago."`
	Yes   bool   `help:"Cancel the deliveries; without it they are only counted."`
}

// Help returns the long help.
func (deliveryCancel) Help() string {
	return `Cancels deliveries that are not sent, selected by the flags, all of which must match. Without --yes it only counts them. A delivery that a sender has claimed may still be sent; it is not retried.

Examples:

	bongsu delivery cancel --source=alertmanager --since=1h
	bongsu delivery cancel --group=oncall --since=1h --yes
	bongsu delivery cancel --alert-key='disk of db1' --yes`
}

// Run executes bongsu delivery cancel.
func (c deliveryCancel) Run(ctx context.Context, con *console) error {
	filter := &alertv1.CancelFilter{AlertId: c.Alert, Messenger: c.Messenger, Key: c.AlertKey, Source: c.Source, Group: c.Group}
	if err := setTimeRange(con, c.Since, c.Until, &filter.CreateTimeFrom, &filter.CreateTimeBefore); err != nil {
		return err
	}
	if c.Alert+c.Messenger+c.AlertKey+c.Source+c.Group+c.Since+c.Until == "" {
		return usagef("select deliveries by a flag, such as --source or --since")
	}
	res, err := c.alerts().CancelDeliveries(ctx, &alertv1.CancelDeliveriesRequest{Filter: filter, DryRun: !c.Yes})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		n := count(res.GetCanceledCount(), "delivery", "deliveries")
		if c.Yes {
			p.say("%s canceled", n)
			return
		}
		p.say("%s would be canceled: add --yes to cancel", n)
	})
}

// deliveryReplay is the command bongsu delivery replay.
type deliveryReplay struct {
	client
	IDs       []string `arg:"" optional:"" name:"id" help:"The ids of deliveries; omit them to select by flags."`
	Alert     string   `placeholder:"ID" help:"Only deliveries of this alert."`
	Messenger string   `placeholder:"NAME" help:"Only deliveries by this messenger."`
	Reason    string   `placeholder:"WORD" help:"Only deliveries that failed or expired with exactly this reason; silenced for those of silenced alerts."`
	alertFilter
	Since string        `placeholder:"TIME" help:"Only deliveries completed at or after this time, or this long ago."`
	Until string        `placeholder:"TIME" help:"Only deliveries completed before this time, or this long ago."`
	TTL   time.Duration `name:"ttl" placeholder:"DURATION" help:"The time to live from now on; 24h by default."`
	Yes   bool          `help:"Replay the deliveries; without it they are only counted."`
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
	filter := &alertv1.ReplayFilter{AlertId: c.Alert, Messenger: c.Messenger, Reason: c.Reason, Key: c.AlertKey, Source: c.Source, Group: c.Group}
	if err := setTimeRange(con, c.Since, c.Until, &filter.EndTimeFrom, &filter.EndTimeBefore); err != nil {
		return nil, err
	}
	selects := c.Alert+c.Messenger+c.Reason+c.AlertKey+c.Source+c.Group+c.Since+c.Until != ""
	if selects == (len(c.IDs) > 0) {
		return nil, usagef("select deliveries by id or by flags, not both")
	}
	if selects {
		req.Filter = filter
	}
	return req, nil
}
