package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// alertSend is bongsu alert send.
type alertSend struct {
	client
	Severity string        `placeholder:"WORD" help:"How bad it is: critical, high, normal or low order the work, and words of other systems, such as page or error, rank beside them; every word is sent as it is. Empty means normal."`
	Strict   bool          `help:"Tell nobody where nobody bears a target."`
	TTL      time.Duration `name:"ttl" placeholder:"DURATION" help:"How long it is worth telling, from 1s to 720h; by default 24h."`
	Key      string        `placeholder:"TEXT" help:"An idempotency key: the same command with the same key, sent again within 24 hours, tells nobody twice."`
	About    string        `placeholder:"TEXT" help:"The key of the thing that it is about: alerts of one key reach each person in order."`
	Resolved bool          `help:"The thing that --about names is over: tell those who were told that it was not."`
	Title    string        `placeholder:"TEXT" help:"A title, in one line; each messenger shows it in its own form, as it does what follows."`
	Link     string        `placeholder:"URL" help:"Where to read more."`
	Detail   []string      `sep:"none" placeholder:"NAME=VALUE" help:"One more fact, such as host=node1; may be said up to 20 times."`
	Failover bool          `help:"Use the addresses of each user one after the other, by rank: the next where the one before failed or takes too long."`
	Wait     bool          `help:"Show each delivery as it changes until all have ended; exit with 1 where one was not sent, or with failover, where a user was not told."`
	Args     []string      `arg:"" name:"target-and-message" help:"Targets (@user, @@group, @all), then the message as one argument; - reads it from standard input."`
}

// Help is the long help.
func (alertSend) Help() string {
	return `The arguments that begin with @ are the targets: @user is a user, @@group a group, @all everybody. The last argument is the message; where it may begin with a dash, say -- before it.

Examples:

	bongsu alert send @user1 @@test-team2 --severity=critical "node1 down"
	bongsu alert send @all --strict "the building is closed today"
	bongsu alert send @@on-call --wait --ttl=10m "db1 is out of disk"
	bongsu alert send @@on-call --title=db1 --link=https://grafana.example.com/d/1 --detail=host=db1 "out of disk"
	bongsu alert send @@on-call --failover --severity=critical "db1 is down"
	bongsu alert send @@on-call --about="disk of db1" --resolved "db1 is out of disk"
	journalctl -u nginx -n 20 | bongsu alert send @@on-call --severity=high -`
}

// Run is bongsu alert send.
func (c alertSend) Run(ctx context.Context, con *console) error {
	targets, message, err := splitSend(c.Args)
	if err != nil {
		return err
	}
	if message == "-" {
		if message, err = readAll(con.In, "the message"); err != nil {
			return err
		}
	}
	req := &alertv1.SendAlertRequest{
		Target:         targets,
		Severity:       c.Severity,
		Message:        message,
		Strict:         c.Strict,
		Failover:       c.Failover,
		IdempotencyKey: c.Key,
		Key:            c.About,
		Title:          c.Title,
		Link:           c.Link,
	}
	if c.Resolved {
		req.Status = alertv1.AlertStatus_ALERT_STATUS_RESOLVED
	}
	for _, detail := range c.Detail {
		name, value, is := strings.Cut(detail, "=")
		if !is {
			return usagef("--detail=%s is no fact: say it as NAME=VALUE", detail)
		}
		req.Details = append(req.Details, &alertv1.Detail{Name: name, Value: value})
	}
	if c.TTL != 0 {
		req.Ttl = durationpb.New(c.TTL)
	}
	res, err := c.alerts().SendAlert(ctx, req)
	if err != nil {
		return err
	}
	warnUnknown(con, res.GetUnknownTarget())
	if res.GetUserCount() == 0 {
		con.warn("nobody was told: the targets mean nobody with an address")
	}
	if c.Wait {
		return c.watch(ctx, con, res.GetId())
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("alert %s accepted: %s", res.GetId(), count(res.GetUserCount(), "delivery", "deliveries"))
		p.say("next: %s", c.next("bongsu alert get "+res.GetId()))
	})
}

// splitSend parts the arguments of alert send. The message is the last, and a
// target in its place is taken for a message that was forgotten.
func splitSend(args []string) (targets []string, message string, err error) {
	if len(args) == 0 {
		return nil, "", usagef("say whom to tell, and then what: bongsu alert send @user \"node1 down\"")
	}
	targets, message = args[:len(args)-1], args[len(args)-1]
	for _, target := range targets {
		if !strings.HasPrefix(target, "@") {
			return nil, "", usagef("%q is no target (@user, @@group or @all); a message of several words goes in quotes", target)
		}
	}
	switch {
	case strings.HasPrefix(message, "@"):
		return nil, "", usagef("the last argument is the message, and %q looks like a target; where it is the message, pipe it in and say -", message)
	case len(targets) == 0:
		return nil, "", usagef("say whom to tell before the message: @user, @@group or @all")
	case message == "":
		return nil, "", usagef("the message is empty")
	}
	return targets, message, nil
}

// warnUnknown names the targets that nobody bears.
func warnUnknown(con *console, unknown []string) {
	if len(unknown) > 0 {
		con.warn("nobody bears %s", strings.Join(unknown, " "))
	}
}

// alertGet is bongsu alert get.
type alertGet struct {
	client
	ID string `arg:"" help:"The alert's id."`
}

// Help is the long help.
func (alertGet) Help() string {
	return `Shows the alert, then each delivery with what its last attempt came to: all of them, however many there are.

Examples:

	bongsu alert get 12
	bongsu alert get 12 --json | jq '.deliveries[] | select(.state != "DELIVERY_STATE_SENT")'`
}

// Run is bongsu alert get.
func (c alertGet) Run(ctx context.Context, con *console) error {
	res, err := c.pages(ctx)
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		a := res.GetAlert()
		p.field("alert", a.GetId())
		p.field("time", p.time(a.GetCreateTime()))
		p.field("severity", a.GetSeverity())
		p.field("message", a.GetMessage())
		if a.GetKey() != "" {
			p.field("about", a.GetKey())
			p.field("status", strings.ToLower(strings.TrimPrefix(a.GetStatus().String(), "ALERT_STATUS_")))
		}
		p.field("targets", strings.Join(a.GetTarget(), " "))
		p.field("unknown", strings.Join(a.GetUnknownTarget(), " "))
		p.field("deliveries", tally(a.GetDeliveryCounts()))
		if len(res.GetDeliveries()) == 0 {
			return
		}
		p.say("")
		p.row("USER", "MESSENGER", "DESTINATION", "STATE", "ENDED", "ATTEMPTS", "STATUS", "CODE", "MESSAGE ID", "REASON")
		for _, d := range res.GetDeliveries() {
			status, code, id := evidence(d)
			p.row(d.GetNickName(), d.GetMessenger(), d.GetDestination(), state(d), p.time(d.GetEndTime()),
				len(d.GetAttempts()), status, code, id, d.GetReason())
		}
	})
}

// largestPage is how many deliveries, or recipients, a page holds at most.
const largestPage = 1000

// pages asks for the alert with all of its deliveries.
func (c alertGet) pages(ctx context.Context) (*alertv1.GetAlertResponse, error) {
	res, err := c.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: c.ID})
	if err != nil {
		return nil, err
	}
	for res.GetNextPageToken() != "" {
		more, err := c.alerts().ListDeliveries(ctx, &alertv1.ListDeliveriesRequest{AlertId: c.ID, PageSize: largestPage, PageToken: res.GetNextPageToken()})
		if err != nil {
			return nil, err
		}
		res.Deliveries = append(res.Deliveries, more.GetDeliveries()...)
		res.NextPageToken = more.GetNextPageToken()
	}
	return res, nil
}

// state is a delivery's state, marked where it may have arrived more than once.
func state(d *alertv1.Delivery) string {
	text := word(d.GetState(), "DELIVERY_STATE_")
	for _, attempt := range d.GetAttempts() {
		if attempt.GetPossibleDuplicate() {
			return text + " (possible duplicate)"
		}
	}
	if next := d.GetNextAttemptTime(); next != nil {
		text += ", next at " + next.AsTime().Local().Format(time.TimeOnly)
	}
	return text
}

// evidence is what the provider said to the last attempt.
func evidence(d *alertv1.Delivery) (status, code, messageID string) {
	attempts := d.GetAttempts()
	if len(attempts) == 0 {
		return "", "", ""
	}
	outcome := attempts[len(attempts)-1].GetOutcome()
	if n := outcome.GetProviderStatus(); n != 0 {
		status = fmt.Sprint(n)
	}
	return status, outcome.GetProviderCode(), outcome.GetProviderMessageId()
}

// tally says how the deliveries of an alert stand.
func tally(c *alertv1.DeliveryCounts) string {
	var parts []string
	for _, part := range []struct {
		count int32
		state string
	}{
		{c.GetQueued(), "queued"},
		{c.GetHeld(), "held"},
		{c.GetSent(), "sent"},
		{c.GetFailed(), "failed"},
		{c.GetExpired(), "expired"},
		{c.GetCanceled(), "canceled"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.state))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// alertResolve is bongsu alert resolve.
type alertResolve struct {
	client
	Targets []string `arg:"" name:"target" help:"Targets: @user, @@group or @all."`
}

// Help is the long help.
func (alertResolve) Help() string {
	return `A dry run of bongsu alert send: says who would be told and by which messenger. Nothing is stored, and nobody is told.

Example:

	bongsu alert resolve @user1 @@test-team2`
}

// Run is bongsu alert resolve.
func (c alertResolve) Run(ctx context.Context, con *console) error {
	res, err := c.pages(ctx)
	if err != nil {
		return err
	}
	warnUnknown(con, res.GetUnknownTarget())
	return con.show(c.JSON, res, func(p *page) {
		p.say("%s", count(res.GetUserCount(), "delivery", "deliveries"))
		if len(res.GetRecipients()) == 0 {
			return
		}
		p.say("")
		p.row("USER", "MESSENGER", "DESTINATION")
		for _, r := range res.GetRecipients() {
			p.row(r.GetNickName(), r.GetMessenger(), r.GetDestination())
		}
	})
}

// pages asks for all recipients.
func (c alertResolve) pages(ctx context.Context) (*alertv1.ResolveTargetsResponse, error) {
	all := &alertv1.ResolveTargetsResponse{}
	for first := true; first || all.GetNextPageToken() != ""; first = false {
		res, err := c.alerts().ResolveTargets(ctx, &alertv1.ResolveTargetsRequest{Target: c.Targets, PageToken: all.GetNextPageToken()})
		if err != nil {
			return nil, err
		}
		res.Recipients = append(all.GetRecipients(), res.GetRecipients()...)
		all = res
	}
	return all, nil
}
