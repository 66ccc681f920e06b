package cli

import (
	"context"
	"strings"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// maintenanceCreate is the command bongsu maintenance create.
type maintenanceCreate struct {
	client
	Monitors []string `arg:"" name:"monitor" help:"The names of monitors; 'shop-*' is for all that begin with shop-, '*' for all."`
	spanFlags
	Reason string `required:"" placeholder:"TEXT" help:"Why, for people. The status page shows it if a monitor is public."`
}

// Help returns the long help.
func (maintenanceCreate) Help() string {
	return `Checks run on in a maintenance window, but their failures notify nobody and do not count as downtime. What is still down when it ends is notified then.

Examples:

	bongsu maintenance create shop 'shop-*' --for=2h --reason="new release"
	bongsu maintenance create orders-db --from=2026-12-01T22:00:00Z --until=2026-12-02T02:00:00Z --reason="disks are replaced"`
}

// Run executes bongsu maintenance create.
func (c maintenanceCreate) Run(ctx context.Context, con *console) error {
	start, end, err := c.span(con)
	if err != nil {
		return err
	}
	res, err := c.maintenances().CreateMaintenance(ctx, &monitorv1.CreateMaintenanceRequest{Monitors: c.Monitors, StartTime: start, EndTime: end, Reason: c.Reason})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		m := res.GetMaintenance()
		p.say("maintenance %s from %s until %s", m.GetId(), p.time(m.GetStartTime()), p.time(m.GetEndTime()))
	})
}

// maintenanceList is the command bongsu maintenance list.
type maintenanceList struct {
	client
	Ended bool `help:"Also those that ended in the last 30 days."`
}

// Help returns the long help.
func (maintenanceList) Help() string {
	return "Those that end last come first.\n\nExamples:\n\n\tbongsu maintenance list\n\tbongsu maintenance list --ended --json"
}

// Run executes bongsu maintenance list.
func (c maintenanceList) Run(ctx context.Context, con *console) error {
	res, err := c.maintenances().ListMaintenances(ctx, &monitorv1.ListMaintenancesRequest{Ended: c.Ended})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetMaintenances()) == 0 {
			p.say("no maintenance windows")
			return
		}
		now := con.Now()
		p.row("ID", "STATE", "BEGIN", "END", "AUTHOR", "MONITORS", "REASON")
		for _, m := range res.GetMaintenances() {
			state := "open"
			switch {
			case !m.GetEndTime().AsTime().After(now):
				state = "ended"
			case m.GetStartTime().AsTime().After(now):
				state = "pending"
			}
			p.row(m.GetId(), state, p.time(m.GetStartTime()), p.time(m.GetEndTime()), m.GetAuthor(), firstLine(strings.Join(m.GetMonitors(), " ")), firstLine(m.GetReason()))
		}
	})
}

// maintenanceEnd is the command bongsu maintenance end.
type maintenanceEnd struct {
	client
	ID string `arg:"" name:"id" help:"The id of the maintenance window."`
}

// Help returns the long help.
func (maintenanceEnd) Help() string {
	return "Ends a maintenance window now, or cancels one that has not begun. Monitors that are still down are notified of.\n\nExample:\n\n\tbongsu maintenance end 7"
}

// Run executes bongsu maintenance end.
func (c maintenanceEnd) Run(ctx context.Context, con *console) error {
	res, err := c.maintenances().EndMaintenance(ctx, &monitorv1.EndMaintenanceRequest{Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) { p.say("maintenance %s has ended", c.ID) })
}
