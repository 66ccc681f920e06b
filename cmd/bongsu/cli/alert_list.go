package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// alertList is the command bongsu alert list.
type alertList struct {
	client
	Severity string `placeholder:"WORD" help:"Only alerts with exactly this severity."`
	State    string `default:"" enum:",queued,held,claimed,sent,failed,expired,canceled" placeholder:"STATE" help:"Only alerts with a delivery in this state: queued, held, claimed, sent, failed, expired or canceled."`
	User     string `placeholder:"NICKNAME" help:"Only alerts with a delivery to this user."`
	Since    string `placeholder:"WHEN" help:"Only alerts accepted at or after this time."`
	Until    string `placeholder:"WHEN" help:"Only alerts accepted before this time."`
	Limit    int    `default:"50" help:"The maximum number of alerts; 0 shows all."`
}

// Help returns the long help.
func (alertList) Help() string {
	return `Lists alerts that match all filters. A time is a duration before now (90m, 24h, 7d), a date or time in the local time zone (2026-09-01, "2026-09-01 14:30"), or RFC 3339 (2026-09-01T14:30:00Z).

Examples:

	bongsu alert list
	bongsu alert list --state=failed --since=24h
	bongsu alert list --user=user1 --since=2026-09-01 --until=2026-09-02 --limit=0 --json`
}

// Run executes bongsu alert list.
func (c alertList) Run(ctx context.Context, con *console) error {
	req, err := c.request(con)
	if err != nil {
		return err
	}
	all, err := c.pages(ctx, req)
	if err != nil {
		return err
	}
	if all.GetNextPageToken() != "" {
		con.warn("there are more alerts; use --limit=0 to show all")
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetAlerts()) == 0 {
			p.say("no alerts")
			return
		}
		p.row("ID", "TIME", "SEVERITY", "DELIVERIES", "TARGETS", "MESSAGE")
		for _, a := range all.GetAlerts() {
			p.row(a.GetId(), p.time(a.GetCreateTime()), a.GetSeverity(), countsLine(a.GetDeliveryCounts()),
				firstLine(strings.Join(a.GetTarget(), " ")), firstLine(a.GetMessage()))
		}
	})
}

// request returns the request with the filters of the flags.
func (c alertList) request(con *console) (*alertv1.ListAlertsRequest, error) {
	if c.Limit < 0 {
		return nil, usagef("--limit must not be negative")
	}
	req := &alertv1.ListAlertsRequest{
		Severity: c.Severity,
		State:    alertv1.DeliveryState(alertv1.DeliveryState_value["DELIVERY_STATE_"+strings.ToUpper(c.State)]),
		NickName: nickname(c.User),
	}
	for _, bound := range []struct {
		flag, text string
		time       **timestamppb.Timestamp
	}{
		{"--since", c.Since, &req.CreateTimeFrom},
		{"--until", c.Until, &req.CreateTimeBefore},
	} {
		if bound.text == "" {
			continue
		}
		at, ok := parseTime(bound.text, con.Now(), con.Zone)
		if !ok {
			return nil, usagef("invalid %s %q: use 24h, 7d, 2026-09-01 or 2026-09-01T14:30:00Z", bound.flag, bound.text)
		}
		*bound.time = timestamppb.New(at)
	}
	return req, nil
}

// pages requests pages until the limit or the last page is reached.
func (c alertList) pages(ctx context.Context, req *alertv1.ListAlertsRequest) (*alertv1.ListAlertsResponse, error) {
	const largest = 500 // limit of page_size
	all := &alertv1.ListAlertsResponse{}
	for {
		req.PageSize = largest
		if left := c.Limit - len(all.Alerts); c.Limit > 0 && left < largest {
			req.PageSize = int32(left)
		}
		res, err := c.alerts().ListAlerts(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Alerts = append(all.Alerts, res.GetAlerts()...)
		all.NextPageToken = res.GetNextPageToken()
		if all.NextPageToken == "" || c.Limit > 0 && len(all.Alerts) >= c.Limit {
			return all, nil
		}
		req.PageToken = all.NextPageToken
	}
}

// parseTime parses a time: a duration before now, a date or time in zone, or RFC 3339.
func parseTime(text string, now time.Time, zone *time.Location) (time.Time, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return now.AddDate(0, 0, -int(n)), err == nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), ago >= 0
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
