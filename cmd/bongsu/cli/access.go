package cli

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/config"
)

// accessAudit is the command bongsu access audit.
type accessAudit struct {
	client
	Caller    string `placeholder:"ID" help:"Only calls of a caller, by the id of the API key or the subject of the token."`
	Procedure string `placeholder:"METHOD" help:"Only calls of a method such as bongsu.group.v1.GroupService/CreateGroup, or of a service."`
	Resource  string `placeholder:"NAME" help:"Only calls for a resource such as groups/7."`
	Since     string `placeholder:"7d" help:"Only calls of the last days such as 7d, or of a duration such as 1h."`
	Limit     int    `default:"100" help:"The maximum number of calls."`
}

// Help returns the long help.
func (accessAudit) Help() string {
	return `Lists the calls that changed something, or tried to: who, what, from where, with which outcome.

Examples:

	bongsu access audit
	bongsu access audit --since=1d --procedure=bongsu.group.v1.GroupService
	bongsu access audit --resource=groups/7 --json`
}

// Validate checks the flags; kong calls it before Run.
func (c accessAudit) Validate() error {
	if c.Limit < 1 {
		return usagef("--limit must be at least 1")
	}
	if _, err := config.ParseDays(c.Since); err != nil && c.Since != "" {
		return usagef("invalid --since %q: use days such as 7d, or a duration such as 1h", c.Since)
	}
	return c.client.Validate()
}

// Run executes bongsu access audit.
func (c accessAudit) Run(ctx context.Context, con *console) error {
	req := &accessv1.ListAuditEntriesRequest{Caller: c.Caller, Procedure: c.Procedure, Resource: c.Resource, TimeFrom: c.from(con.Now())}
	all := &accessv1.ListAuditEntriesResponse{}
	for len(all.GetEntries()) < c.Limit {
		req.PageSize = int32(min(listPage, c.Limit-len(all.GetEntries())))
		res, err := c.access().ListAuditEntries(ctx, req)
		if err != nil {
			return err
		}
		all.Entries = append(all.GetEntries(), res.GetEntries()...)
		if all.NextPageToken = res.GetNextPageToken(); all.GetNextPageToken() == "" {
			break
		}
		req.PageToken = all.GetNextPageToken()
	}
	return con.show(c.JSON, all, func(p *page) {
		if len(all.GetEntries()) == 0 {
			p.say("no entries")
			return
		}
		p.row("TIME", "CALLER", "NAME", "ADDRESS", "PROCEDURE", "RESOURCE", "OUTCOME")
		for _, e := range all.GetEntries() {
			p.row(p.time(e.GetTime()), e.GetCaller(), e.GetCallerName(), e.GetAddress(), e.GetProcedure(), e.GetResource(), e.GetOutcome())
		}
	})
}

// from returns the time of the first call to list; nil for all.
func (c accessAudit) from(now time.Time) *timestamppb.Timestamp {
	last, err := config.ParseDays(c.Since)
	if err != nil {
		return nil
	}
	return timestamppb.New(now.Add(-last))
}
