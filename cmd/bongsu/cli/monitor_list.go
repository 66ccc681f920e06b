package cli

import (
	"context"
	"strings"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// monitorList is the command bongsu monitor list.
type monitorList struct {
	client
	State  string `default:"" enum:",pending,up,down,unknown,paused,maintenance" placeholder:"STATE" help:"Only monitors in this state: pending, up, down, unknown, paused or maintenance."`
	Prefix string `placeholder:"TEXT" help:"Only monitors of which the name begins with this text, such as instance."`
	Limit  int    `default:"100" help:"The maximum number of monitors; 0 shows all."`
}

// Help returns the long help.
func (monitorList) Help() string {
	return "Lists monitors with their states, by name.\n\nExamples:\n\n\tbongsu monitor list\n\tbongsu monitor list --state=down\n\tbongsu monitor list --prefix=shop- --limit=0 --json"
}

// Run executes bongsu monitor list.
func (c monitorList) Run(ctx context.Context, con *console) error {
	if c.Limit < 0 {
		return usagef("--limit must not be negative")
	}
	all, err := c.monitorPages(ctx, &monitorv1.ListMonitorsRequest{
		Prefix: c.Prefix, State: monitorv1.MonitorState(monitorv1.MonitorState_value["MONITOR_STATE_"+strings.ToUpper(c.State)]),
	}, c.Limit)
	if err != nil {
		return err
	}
	if all.GetNextPageToken() != "" {
		con.warn("there are more monitors; use --limit=0 to show all")
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetMonitors()) == 0 {
			p.say("no monitors")
			return
		}
		p.row("NAME", "KIND", "STATE", "SINCE", "LATENCY", "TARGETS", "REASON")
		for _, m := range all.GetMonitors() {
			kind, _ := checkOf(m.GetSettings())
			p.row(m.GetSettings().GetName(), kind, monitorState(m.GetStatus()), p.time(m.GetStatus().GetSince()), latencyText(m.GetStatus().GetLast().GetLatency()),
				firstLine(strings.Join(m.GetSettings().GetTarget(), " ")), firstLine(m.GetStatus().GetReason()))
		}
	})
}

// monitorPages requests pages of monitors until the limit, 0 for none, or the last page is reached.
func (c client) monitorPages(ctx context.Context, req *monitorv1.ListMonitorsRequest, limit int) (*monitorv1.ListMonitorsResponse, error) {
	all := &monitorv1.ListMonitorsResponse{}
	for {
		req.PageSize = pageSize(limit, len(all.GetMonitors()))
		res, err := c.monitors().ListMonitors(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Monitors = append(all.Monitors, res.GetMonitors()...)
		all.NextPageToken = res.GetNextPageToken()
		if all.GetNextPageToken() == "" || limit > 0 && len(all.GetMonitors()) >= limit {
			return all, nil
		}
		req.PageToken = all.GetNextPageToken()
	}
}
