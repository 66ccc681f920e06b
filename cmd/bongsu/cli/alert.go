package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// alertSend is the command bongsu alert send.
type alertSend struct {
	client
	Severity     string        `placeholder:"WORD" help:"The severity: critical, high, normal (default) or low, or a word of another system such as page or error; it sets the rank of the alert and is sent unchanged."`
	Strict       bool          `help:"Send nothing if a target is unknown."`
	TTL          time.Duration `name:"ttl" placeholder:"DURATION" help:"The time to live: how long deliveries are tried, from 1s to 720h; 24h by default."`
	Key          string        `placeholder:"TEXT" help:"The idempotency key: a repeated command with the same key within 24 hours returns the recorded alert and notifies nobody again."`
	About        string        `placeholder:"TEXT" help:"The alert key, which names the thing that the alert is about; each recipient gets the alerts of one key in order."`
	Resolved     bool          `help:"Mark the thing that --about names as resolved; notifies the recipients of its firing alerts."`
	Acknowledged bool          `help:"Tell the recipients of its firing alerts that somebody takes care of the thing that --about names. The state of its incident is changed by bongsu incident ack."`
	Renotify     bool          `help:"Notify also those who were notified of the same state of the incident."`
	RepeatField  []string      `name:"repeat-field" placeholder:"NAME" help:"A field whose change makes a repeated alert an update of its incident: severity, title, message, link, details or details.NAME, in place of --repeat-fields of the server; repeatable."`
	Escalation   string        `placeholder:"NAME" help:"The escalation policy of the incident that the alert opens, as bongsu escalation set made it; needs --about."`
	Title        string        `placeholder:"TEXT" help:"The title, one line; each messenger formats title, link and details in its own way."`
	Link         string        `placeholder:"URL" help:"A URL with more information."`
	Detail       []string      `sep:"none" placeholder:"NAME=VALUE" help:"A detail, such as host=node1; repeatable up to 20 times."`
	By           []string      `placeholder:"MESSENGER" help:"Notify by these messengers only, such as slack,telegram; repeatable."`
	Callback     string        `placeholder:"NAME" help:"The callback endpoint to which the end of each delivery is reported, as bongsu callback-endpoint create made it."`
	Failover     bool          `help:"Use the addresses of each user one after the other by address rank: the next one if the one before failed or took too long."`
	Wait         bool          `help:"Follow the deliveries until all are completed; exit with 1 if one was not sent, or with failover if a user was not notified."`
	Args         []string      `arg:"" name:"target-and-message" help:"Targets (@user, @@group, @all), then the message as one argument; - reads it from standard input."`
}

// Help returns the long help.
func (alertSend) Help() string {
	return `Arguments that begin with @ are targets: @user is a user, @@group a group, @all every user. The last argument is the message; put -- before it if it begins with a dash.

Examples:

	bongsu alert send @user1 @@test-team2 --severity=critical "node1 down"
	bongsu alert send @all --strict "the building is closed today"
	bongsu alert send @@on-call --wait --ttl=10m "db1 is out of disk"
	bongsu alert send @@on-call --title=db1 --link=https://grafana.example.com/d/1 --detail=host=db1 "out of disk"
	bongsu alert send @@on-call --failover --severity=critical "db1 is down"
	bongsu alert send @@on-call --by=twilio,telegram "db1 is down"
	bongsu alert send @@on-call --about="disk of db1" --escalation=night --severity=critical "db1 is out of disk"
	bongsu alert send @@on-call --about="disk of db1" --repeat-field=severity --repeat-field=details.host --detail=host=db1 "92 % used"
	bongsu alert send @@on-call --about="disk of db1" --renotify "db1 is still out of disk"
	bongsu alert send @@on-call --about="disk of db1" --resolved "db1 is out of disk"
	journalctl -u nginx -n 20 | bongsu alert send @@on-call --severity=high -`
}

// Run executes bongsu alert send.
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
		By:             c.By,
		IdempotencyKey: c.Key,
		Key:            c.About,
		Callback:       c.Callback,
		Title:          c.Title,
		Link:           c.Link,
		Escalation:     c.Escalation,
		Renotify:       c.Renotify,
		RepeatFields:   c.RepeatField,
	}
	if req.Status, err = c.status(); err != nil {
		return err
	}
	for _, detail := range c.Detail {
		name, value, ok := strings.Cut(detail, "=")
		if !ok {
			return usagef("malformed --detail=%s: use NAME=VALUE", detail)
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
	warnUnknownTargets(con, res.GetUnknownTarget())
	if res.GetUserCount() == 0 {
		con.warn("nobody was notified: no target has an address")
	}
	if c.Wait {
		return c.watch(ctx, con, res.GetId())
	}
	return con.show(c.JSON, res, func(p *page) {
		p.say("alert %s accepted: %s", res.GetId(), count(res.GetUserCount(), "delivery", "deliveries"))
		p.say("next: %s", c.next("bongsu alert get "+res.GetId()))
	})
}

// status returns the status that the flags select.
func (c alertSend) status() (alertv1.AlertStatus, error) {
	switch {
	case c.Resolved && c.Acknowledged:
		return 0, usagef("--resolved and --acknowledged exclude each other")
	case c.Resolved:
		return alertv1.AlertStatus_ALERT_STATUS_RESOLVED, nil
	case c.Acknowledged:
		return alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED, nil
	}
	return alertv1.AlertStatus_ALERT_STATUS_UNSPECIFIED, nil
}

// splitSend splits the arguments of alert send into targets and the message, which is
// the last argument. A last argument that looks like a target is an error: the message
// is probably missing.
func splitSend(args []string) (targets []string, message string, err error) {
	if len(args) == 0 {
		return nil, "", usagef("missing target and message: bongsu alert send @user \"node1 down\"")
	}
	targets, message = args[:len(args)-1], args[len(args)-1]
	for _, target := range targets {
		if !strings.HasPrefix(target, "@") {
			return nil, "", usagef("malformed target %q: use @user, @@group or @all, and quote a message of several words", target)
		}
	}
	switch {
	case strings.HasPrefix(message, "@"):
		return nil, "", usagef("missing message: the last argument %q looks like a target; to send it as the message, pipe it in and pass -", message)
	case len(targets) == 0:
		return nil, "", usagef("missing target: put @user, @@group or @all before the message")
	case message == "":
		return nil, "", usagef("empty message")
	}
	return targets, message, nil
}

// warnUnknownTargets warns about unknown targets.
func warnUnknownTargets(con *console, unknown []string) {
	if len(unknown) > 0 {
		con.warn("unknown target %s", strings.Join(unknown, " "))
	}
}

// alertGet is the command bongsu alert get.
type alertGet struct {
	client
	ID string `arg:"" help:"The alert's id."`
}

// Help returns the long help.
func (alertGet) Help() string {
	return `Shows the alert and all of its deliveries, each with the outcome of its last attempt.

Examples:

	bongsu alert get 12
	bongsu alert get 12 --json | jq '.deliveries[] | select(.state != "DELIVERY_STATE_SENT")'`
}

// Run executes bongsu alert get.
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
		if len(a.GetBy()) > 0 {
			p.field("by", strings.Join(a.GetBy(), " "))
		}
		p.field("silence", a.GetSilenceId())
		p.field("trace", a.GetTraceId())
		p.field("deliveries", countsLine(a.GetDeliveryCounts()))
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

// largestPage is the maximum number of deliveries or recipients in a page.
const largestPage = 1000

// pages returns the alert with the deliveries of all pages.
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

// state returns the state of a delivery, with a mark for a possible duplicate or the
// time of the next attempt, and why it is held back.
func state(d *alertv1.Delivery) string {
	text := enumWord(d.GetState(), "DELIVERY_STATE_")
	for _, attempt := range d.GetAttempts() {
		if attempt.GetPossibleDuplicate() {
			return text + " (possible duplicate)"
		}
	}
	if next := d.GetNextAttemptTime(); next != nil {
		text += ", next at " + next.AsTime().Local().Format(time.TimeOnly)
		if hold := d.GetHold(); hold != "" {
			text += " (" + strings.ReplaceAll(hold, "_", " ") + ")"
		}
	}
	return text
}

// evidence returns the provider's status, code and message id of the last attempt.
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

// countsLine returns the number of deliveries in each state as text.
func countsLine(c *alertv1.DeliveryCounts) string {
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

// alertResolve is the command bongsu alert resolve.
type alertResolve struct {
	client
	By      []string `placeholder:"MESSENGER" help:"The messengers, as in bongsu alert send."`
	Targets []string `arg:"" name:"target" help:"The targets: @user, @@group or @all."`
}

// Help returns the long help.
func (alertResolve) Help() string {
	return `A dry run of bongsu alert send: lists the users who would be notified, and by which messenger. Nothing is stored or sent.

Example:

	bongsu alert resolve @user1 @@test-team2`
}

// Run executes bongsu alert resolve.
func (c alertResolve) Run(ctx context.Context, con *console) error {
	res, err := c.pages(ctx)
	if err != nil {
		return err
	}
	warnUnknownTargets(con, res.GetUnknownTarget())
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

// pages returns the recipients of all pages.
func (c alertResolve) pages(ctx context.Context) (*alertv1.ResolveTargetsResponse, error) {
	all := &alertv1.ResolveTargetsResponse{}
	for first := true; first || all.GetNextPageToken() != ""; first = false {
		res, err := c.alerts().ResolveTargets(ctx, &alertv1.ResolveTargetsRequest{Target: c.Targets, By: c.By, PageToken: all.GetNextPageToken()})
		if err != nil {
			return nil, err
		}
		res.Recipients = append(all.GetRecipients(), res.GetRecipients()...)
		all = res
	}
	return all, nil
}
