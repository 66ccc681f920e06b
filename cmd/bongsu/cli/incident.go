package cli

import (
	"context"
	"strings"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
)

// incidentList is the command bongsu incident list.
type incidentList struct {
	client
	Open  bool   `help:"List incidents that are not resolved only."`
	State string `default:"" enum:",firing,acknowledged,resolved" placeholder:"STATE" help:"Only incidents in this state: firing, acknowledged or resolved."`
	About string `placeholder:"TEXT" help:"Only incidents of this alert key, as of bongsu alert send --about."`
	Limit int32  `default:"50" placeholder:"50" help:"The maximum number of incidents, from 1 to 500."`
}

// Help returns the long help.
func (incidentList) Help() string {
	return "Lists incidents, the newest first.\n\nExamples:\n\n\tbongsu incident list --open\n\tbongsu incident list --about=\"disk of db1\" --json"
}

// Run executes bongsu incident list.
func (c incidentList) Run(ctx context.Context, con *console) error {
	if c.Limit < 1 {
		return usagef("invalid --limit %d: must be from 1 to 500", c.Limit)
	}
	res, err := c.incidents().ListIncidents(ctx, &incidentv1.ListIncidentsRequest{
		PageSize: c.Limit, OpenOnly: c.Open, Key: c.About,
		State: incidentv1.IncidentState(incidentv1.IncidentState_value["INCIDENT_STATE_"+strings.ToUpper(c.State)]),
	})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		if len(res.GetIncidents()) == 0 {
			p.say("no incidents")
			return
		}
		p.row("ID", "OPENED", "STATE", "SEVERITY", "BY", "ABOUT", "MESSAGE")
		for _, i := range res.GetIncidents() {
			p.row(i.GetId(), p.time(i.GetOpenTime()), incidentState(i), i.GetSeverity(), i.GetAckBy(), firstLine(i.GetKey()), firstLine(i.GetMessage()))
		}
		if res.GetNextPageToken() != "" {
			con.warn("there are more incidents; raise --limit")
		}
	})
}

// incidentShow is the command bongsu incident show.
type incidentShow struct {
	client
	ID string `arg:"" help:"The incident's id."`
}

// Help returns the long help.
func (incidentShow) Help() string {
	return "Shows an incident with its timeline.\n\nExamples:\n\n\tbongsu incident show 227894805024210944"
}

// Run executes bongsu incident show.
func (c incidentShow) Run(ctx context.Context, con *console) error {
	res, err := c.incidents().GetIncident(ctx, &incidentv1.GetIncidentRequest{Id: c.ID})
	if err != nil {
		return err
	}
	return con.show(c.JSON, res, func(p *page) {
		i := res.GetIncident()
		for _, f := range []struct{ name, value string }{
			{"incident", i.GetId()}, {"about", i.GetKey()}, {"state", incidentState(i)}, {"severity", i.GetSeverity()}, {"title", i.GetTitle()},
			{"message", i.GetMessage()}, {"link", i.GetLink()}, {"source", i.GetSource()}, {"targets", strings.Join(i.GetTarget(), " ")},
			{"acknowledged by", i.GetAckBy()}, {"opened", p.time(i.GetOpenTime())}, {"resolved", p.time(i.GetResolveTime())}, {"escalation", i.GetEscalation()},
		} {
			if f.value != "" {
				p.field(f.name, f.value)
			}
		}
		p.field("alerts", i.GetAlertCount())
		p.field("reopened", count(i.GetReopenCount(), "time", "times"))
		p.say("")
		p.row("TIME", "ENTRY", "BY", "ALERT", "TEXT")
		for _, e := range res.GetEntries() {
			p.row(p.time(e.GetTime()), enumWord(e.GetKind(), "INCIDENT_ENTRY_KIND_"), e.GetBy(), e.GetAlertId(), firstLine(e.GetText()))
		}
	})
}

// incidentWatch is the command bongsu incident watch.
type incidentWatch struct {
	client
}

// Help returns the long help.
func (incidentWatch) Help() string {
	return "Shows the open incidents, and then each that changes, until it is interrupted. With --json each message of the stream is a JSON document.\n\nExamples:\n\n\tbongsu incident watch\n\tbongsu incident watch --json"
}

// Run executes bongsu incident watch.
func (c incidentWatch) Run(ctx context.Context, con *console) error {
	stream, err := c.incidents().WatchIncidents(ctx, &incidentv1.WatchIncidentsRequest{})
	if err != nil {
		return c.failed(ctx, err, true)
	}
	defer stream.Close()
	for stream.Receive() {
		if err := con.show(c.JSON, stream.Msg(), func(p *page) {
			for _, i := range stream.Msg().GetIncidents() {
				by := ""
				if i.GetState() == incidentv1.IncidentState_INCIDENT_STATE_ACKNOWLEDGED && i.GetAckBy() != "" {
					by = " by " + i.GetAckBy()
				}
				p.say("%s %s: %s%s [%s] %s", p.time(i.GetUpdateTime()), i.GetId(), incidentState(i), by, i.GetSeverity(), firstLine(i.GetMessage()))
			}
		}); err != nil {
			return err
		}
	}
	if err := stream.Err(); err != nil {
		return c.failed(ctx, err, true)
	}
	return nil
}

// incidentState returns the state of an incident in lower case.
func incidentState(i *incidentv1.Incident) string {
	return enumWord(i.GetState(), "INCIDENT_STATE_")
}
