package incident

import (
	"context"
	"strconv"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// defaultPage is the page size if the request sets none.
const defaultPage = 50

// ListIncidents returns a page of incidents, the newest first. The token of the next page is the
// id of the last one.
func (h *Handler) ListIncidents(ctx context.Context, req *incidentv1.ListIncidentsRequest) (*incidentv1.ListIncidentsResponse, error) {
	q := Query{State: State(req.GetState()), OpenOnly: req.GetOpenOnly(), Key: req.GetKey(), Limit: int(req.GetPageSize())}
	if token := req.GetPageToken(); token != "" {
		before, err := strconv.ParseInt(token, 10, 64)
		if err != nil || before <= 0 {
			return nil, fault.WithField(fault.Invalidf("invalid page_token"), "page_token")
		}
		q.Before = before
	}
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	limit := q.Limit
	q.Limit++
	incidents, err := h.Incidents.Page(ctx, q)
	if err != nil {
		return nil, err
	}
	res := &incidentv1.ListIncidentsResponse{}
	if len(incidents) > limit {
		incidents = incidents[:limit]
		res.NextPageToken = strconv.FormatInt(incidents[limit-1].ID, 10)
	}
	res.Incidents = incidentsToWire(incidents)
	return res, nil
}

// GetIncident returns an incident with its timeline.
func (h *Handler) GetIncident(ctx context.Context, req *incidentv1.GetIncidentRequest) (*incidentv1.GetIncidentResponse, error) {
	id, err := parseID(req.GetId())
	if err != nil {
		return nil, err
	}
	i, err := h.Incidents.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	entries, err := h.Incidents.Entries(ctx, id, MaxEntries)
	if err != nil {
		return nil, err
	}
	return &incidentv1.GetIncidentResponse{Incident: incidentToWire(i), Entries: entriesToWire(entries)}, nil
}
