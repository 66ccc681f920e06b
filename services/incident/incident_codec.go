package incident

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/internal/job"
)

func incidentToWire(i Incident) *incidentv1.Incident {
	return &incidentv1.Incident{
		Id: strconv.FormatInt(i.ID, 10), Key: job.DisplayKey(i.Key), State: incidentv1.IncidentState(i.State),
		Severity: i.Severity, Title: i.Title, Message: i.Message, Link: i.Link, Source: i.Source, Target: i.Targets,
		AlertCount: i.AlertCount, ReopenCount: int32(i.ReopenCount),
		OpenTime: timeToWire(i.OpenTime), UpdateTime: timeToWire(i.UpdateTime), ResolveTime: timeToWire(i.ResolveTime),
		AckTime: timeToWire(i.AckTime), AckBy: i.AckBy, Escalation: i.Escalation,
	}
}

func incidentsToWire(all []Incident) []*incidentv1.Incident {
	wire := make([]*incidentv1.Incident, len(all))
	for n, i := range all {
		wire[n] = incidentToWire(i)
	}
	return wire
}

func entryToWire(e Entry) *incidentv1.IncidentEntry {
	wire := &incidentv1.IncidentEntry{Kind: incidentv1.IncidentEntryKind(e.Kind), Time: timeToWire(e.Time), By: e.By, Text: e.Text}
	if e.AlertID != 0 {
		wire.AlertId = strconv.FormatInt(e.AlertID, 10)
	}
	return wire
}

func entriesToWire(all []Entry) []*incidentv1.IncidentEntry {
	wire := make([]*incidentv1.IncidentEntry, len(all))
	for n, e := range all {
		wire[n] = entryToWire(e)
	}
	return wire
}

// timeToWire returns a time; nil for the zero time.
func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
