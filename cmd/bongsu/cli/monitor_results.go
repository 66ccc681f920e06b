package cli

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// monitorRun is the command bongsu monitor run.
type monitorRun struct{ monitorArg }

// Help returns the long help.
func (monitorRun) Help() string {
	return "Runs the check of a monitor now. Its result is recorded, and counts as any other. The exit code is 1 if it does not pass. --timeout must be above the timeout of the check.\n\nExample:\n\n\tbongsu monitor run shop"
}

// Run executes bongsu monitor run.
func (c monitorRun) Run(ctx context.Context, con *console) error {
	res, err := c.monitors().RunMonitor(ctx, &monitorv1.RunMonitorRequest{Name: c.Name})
	if err != nil {
		return err
	}
	r := res.GetResult()
	if err := con.show(c.JSON, res, func(p *page) {
		p.field("result", resultLine(p, r))
		p.field("state", enumWord(r.GetState(), "MONITOR_STATE_"))
	}); err != nil {
		return err
	}
	if r.GetOutcome() != monitorv1.Outcome_OUTCOME_PASSED {
		return fmt.Errorf("the check of %s did not pass", c.Name)
	}
	return nil
}

// monitorResults is the command bongsu monitor results.
type monitorResults struct {
	monitorArg
	Outcome string `default:"" enum:",passed,failed,unknown" placeholder:"OUTCOME" help:"Only results with this outcome: passed, failed or unknown."`
	Since   string `placeholder:"WHEN" help:"Only results at or after this time, such as 2h or 2026-09-01."`
	Limit   int    `default:"50" help:"The maximum number of results; 0 shows all."`
}

// Help returns the long help.
func (monitorResults) Help() string {
	return "Lists the results of a monitor, the newest first.\n\nExamples:\n\n\tbongsu monitor results shop\n\tbongsu monitor results shop --outcome=failed --since=24h --limit=0"
}

// Run executes bongsu monitor results.
func (c monitorResults) Run(ctx context.Context, con *console) error {
	req := &monitorv1.ListResultsRequest{Name: c.Name, Outcome: monitorv1.Outcome(monitorv1.Outcome_value["OUTCOME_"+strings.ToUpper(c.Outcome)])}
	if c.Limit < 0 {
		return usagef("--limit must not be negative")
	}
	if c.Since != "" {
		at, ok := parseTime(c.Since, con.Now(), con.Zone)
		if !ok {
			return usagef("invalid --since %q: use 24h, 7d, 2026-09-01 or 2026-09-01T14:30:00Z", c.Since)
		}
		req.From = timestamppb.New(at)
	}
	all, err := c.pages(ctx, req)
	if err != nil {
		return err
	}
	if all.GetNextPageToken() != "" {
		con.warn("there are more results; use --limit=0 to show all")
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetResults()) == 0 {
			p.say("no results")
			return
		}
		p.row("TIME", "OUTCOME", "LATENCY", "STATE", "VALUE", "MESSAGE")
		for _, r := range all.GetResults() {
			p.row(p.time(r.GetTime()), enumWord(r.GetOutcome(), "OUTCOME_"), latencyText(r.GetLatency()), enumWord(r.GetState(), "MONITOR_STATE_"), valueText(r), firstLine(r.GetMessage()))
		}
	})
}

// pages requests pages until the limit or the last page is reached.
func (c monitorResults) pages(ctx context.Context, req *monitorv1.ListResultsRequest) (*monitorv1.ListResultsResponse, error) {
	all := &monitorv1.ListResultsResponse{}
	for {
		req.PageSize = pageSize(c.Limit, len(all.GetResults()))
		res, err := c.monitors().ListResults(ctx, req)
		if err != nil {
			return nil, err
		}
		all.Results = append(all.Results, res.GetResults()...)
		all.NextPageToken = res.GetNextPageToken()
		if all.GetNextPageToken() == "" || c.Limit > 0 && len(all.GetResults()) >= c.Limit {
			return all, nil
		}
		req.PageToken = all.GetNextPageToken()
	}
}

// pageSize returns the size of the next page of a list of at most limit entries, 0 for all, of
// which some are read.
func pageSize(limit, read int) int32 {
	const largest = 500
	if left := limit - read; limit > 0 && left < largest {
		return int32(left)
	}
	return largest
}

// monitorUptime is the command bongsu monitor uptime.
type monitorUptime struct {
	monitorArg
	Per   string `default:"day" enum:"day,hour" help:"The length of a period: day (in UTC) or hour."`
	Count int32  `placeholder:"N" help:"The number of periods, at most 1000: 90 days or 24 hours by default."`
}

// Help returns the long help.
func (monitorUptime) Help() string {
	return "Shows the uptime of a monitor, and how long its checks took, the newest period first. Results in a maintenance window are not counted.\n\nExamples:\n\n\tbongsu monitor uptime shop\n\tbongsu monitor uptime shop --per=hour --count=48"
}

// Run executes bongsu monitor uptime.
func (c monitorUptime) Run(ctx context.Context, con *console) error {
	res, err := c.monitors().ListUptime(ctx, &monitorv1.ListUptimeRequest{
		Name: c.Name, Count: c.Count, Period: monitorv1.UptimePeriod(monitorv1.UptimePeriod_value["UPTIME_PERIOD_"+strings.ToUpper(c.Per)]),
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetPeriods()) == 0 {
			p.say("no results")
			return
		}
		p.row("BEGIN", "UPTIME", "PASSED", "FAILED", "UNKNOWN", "MEAN LATENCY", "MAX LATENCY")
		for i := len(res.GetPeriods()) - 1; i >= 0; i-- {
			u := res.GetPeriods()[i]
			begin := p.time(u.GetStartTime())
			if c.Per == "day" {
				begin = u.GetStartTime().AsTime().UTC().Format(time.DateOnly)
			}
			p.row(begin, percentText(u.Uptime), u.GetPassed(), u.GetFailed(), u.GetUnknown(), latencyText(u.GetMeanLatency()), latencyText(u.GetMaxLatency()))
		}
		if res.Uptime != nil {
			p.say("uptime %s", percentText(res.Uptime))
		}
	})
}

// resultLine returns a result on one line, or "" for none.
func resultLine(p *page, r *monitorv1.Result) string {
	if r == nil {
		return ""
	}
	line := p.time(r.GetTime()) + " " + enumWord(r.GetOutcome(), "OUTCOME_")
	if latency := latencyText(r.GetLatency()); latency != "" {
		line += " in " + latency
	}
	if r.GetMessage() != "" {
		line += ": " + r.GetMessage()
	}
	return line
}

// valueText returns the value of a result, or "" for none.
func valueText(r *monitorv1.Result) string {
	if r.Value == nil {
		return ""
	}
	return strconv.FormatFloat(r.GetValue(), 'g', 6, 64)
}

// latencyText returns a latency, rounded, or "" for none.
func latencyText(latency *durationpb.Duration) string {
	if latency == nil {
		return ""
	}
	d, unit := latency.AsDuration(), time.Microsecond
	switch {
	case d >= time.Second:
		unit = 10 * time.Millisecond
	case d >= time.Millisecond:
		unit = 100 * time.Microsecond
	}
	return d.Round(unit).String()
}

// percentText returns a share in percent, rounded down so that only a whole one is 100%, or ""
// for none.
func percentText(share *float64) string {
	if share == nil {
		return ""
	}
	const parts = 1000 // of a percent
	return strconv.FormatFloat(math.Floor(*share*100*parts+1e-6)/parts, 'f', -1, 64) + "%"
}
