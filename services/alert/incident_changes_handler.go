package alert

import (
	"context"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
)

// maxIncidentChanges is the maximum number of changes in a response.
const maxIncidentChanges = 1000

// ListIncidentChanges deletes the changes of incidents that the caller has stored, and returns the
// next ones. Without any it waits for some.
func (h *DispatchHandler) ListIncidentChanges(ctx context.Context, req *jobv1.ListIncidentChangesRequest) (*jobv1.ListIncidentChangesResponse, error) {
	limit := min(max(int(req.GetLimit()), 1), maxIncidentChanges)
	changes, err := h.Incidents.Next(ctx, req.GetAfter(), limit)
	if err != nil {
		return nil, err
	}
	res := &jobv1.ListIncidentChangesResponse{Changes: make([]*jobv1.IncidentChange, 0, len(changes))}
	for _, c := range changes {
		a := alertToWire(c.Alert)
		a.DeliveryCounts = nil
		res.Changes = append(res.Changes, &jobv1.IncidentChange{Id: c.ID, Incident: c.Incident, Kind: jobv1.IncidentChangeKind(c.Kind), Alert: a})
	}
	return res, nil
}
