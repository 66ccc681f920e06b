package monitor

import (
	"cmp"
	"context"
	"strconv"
	"time"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// The numbers of periods of a request that sets none.
const (
	defaultHours = 24
	defaultDays  = 90
)

// ListResults returns a page of results. The token of the next page is the time of the last one in
// microseconds.
func (h *Handler) ListResults(ctx context.Context, req *monitorv1.ListResultsRequest) (*monitorv1.ListResultsResponse, error) {
	before, err := timeOfToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	m, err := h.Monitors.Monitor(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	limit := cmp.Or(int(req.GetPageSize()), defaultPage)
	all, err := h.Results.ListResults(ctx, ResultQuery{
		ID: m.ID, Before: before, From: timeFromWire(req.GetFrom()), Outcome: probe.Outcome(req.GetOutcome()), Limit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	res := &monitorv1.ListResultsResponse{}
	if len(all) > limit {
		all = all[:limit]
		res.NextPageToken = timeToken(all[limit-1].Time)
	}
	for _, r := range all {
		res.Results = append(res.Results, resultToWire(r))
	}
	return res, nil
}

// timeToken returns the token of the page after a time.
func timeToken(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// timeOfToken returns the time of a token; zero for none.
func timeOfToken(token string) (time.Time, error) {
	if token == "" {
		return time.Time{}, nil
	}
	micros, err := strconv.ParseInt(token, 10, 64)
	if err != nil || micros <= 0 || timeToken(time.UnixMicro(micros)) != token {
		return time.Time{}, errPageToken()
	}
	return time.UnixMicro(micros).UTC(), nil
}

// ListUptime returns the uptime of a monitor in the last periods.
func (h *Handler) ListUptime(ctx context.Context, req *monitorv1.ListUptimeRequest) (*monitorv1.ListUptimeResponse, error) {
	m, err := h.Monitors.Monitor(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	period, count := Hour, defaultHours
	if req.GetPeriod() == monitorv1.UptimePeriod_UPTIME_PERIOD_DAY {
		period, count = Day, defaultDays
	}
	if n := int(req.GetCount()); n > 0 {
		count = n
	}
	all, err := h.Results.ListUptime(ctx, m.ID, period, period.firstOf(count, h.now()))
	if err != nil {
		return nil, err
	}
	res := &monitorv1.ListUptimeResponse{}
	var sum Uptime
	for _, u := range all {
		res.Periods = append(res.Periods, uptimeToWire(u))
		sum.Passed, sum.Failed = sum.Passed+u.Passed, sum.Failed+u.Failed
	}
	res.Uptime = shareToWire(sum)
	return res, nil
}

// length returns the length of a period.
func (p Period) length() time.Duration {
	if p == Day {
		return 24 * time.Hour
	}
	return time.Hour
}

// firstOf returns when the first of some periods began, of which the last one is that of now.
func (p Period) firstOf(count int, now time.Time) time.Time {
	return now.UTC().Truncate(p.length()).Add(-time.Duration(count-1) * p.length())
}
