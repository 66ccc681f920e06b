package incident

import (
	"context"

	"connectrpc.com/connect"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
)

// watchPage is the maximum number of incidents of a message.
const watchPage = 100

// WatchIncidents streams open incidents, and then those that change, until the caller is gone.
func (h *Handler) WatchIncidents(ctx context.Context, _ *incidentv1.WatchIncidentsRequest, stream *connect.ServerStream[incidentv1.WatchIncidentsResponse]) error {
	if err := h.Hub.join(); err != nil {
		return err
	}
	defer h.Hub.leave()
	revision, err := h.Incidents.Revision(ctx)
	if err != nil {
		return err
	}
	if err := h.sendOpen(ctx, stream); err != nil {
		return err
	}
	for {
		last, err := h.Hub.wait(ctx, revision)
		if err != nil {
			return err
		}
		if revision, err = h.sendChanged(ctx, revision, stream); err != nil {
			return err
		}
		revision = max(revision, last) // an incident of the last revision may be deleted
	}
}

// sendOpen sends the open incidents, by id. Without any it sends an empty message.
func (h *Handler) sendOpen(ctx context.Context, stream *connect.ServerStream[incidentv1.WatchIncidentsResponse]) error {
	before := int64(0)
	for {
		open, err := h.Incidents.Page(ctx, Query{Before: before, OpenOnly: true, Limit: watchPage})
		if err != nil {
			return err
		}
		if len(open) > 0 || before == 0 {
			if err := stream.Send(&incidentv1.WatchIncidentsResponse{Incidents: incidentsToWire(open)}); err != nil {
				return err
			}
		}
		if len(open) < watchPage {
			return nil
		}
		before = open[len(open)-1].ID
	}
}

// sendChanged sends the incidents that changed after a revision, and returns that of the last one.
func (h *Handler) sendChanged(ctx context.Context, revision int64, stream *connect.ServerStream[incidentv1.WatchIncidentsResponse]) (int64, error) {
	for {
		changed, err := h.Incidents.ChangedAfter(ctx, revision, watchPage)
		if err != nil || len(changed) == 0 {
			return revision, err
		}
		if err := stream.Send(&incidentv1.WatchIncidentsResponse{Incidents: incidentsToWire(changed)}); err != nil {
			return revision, err
		}
		revision = changed[len(changed)-1].Revision
		if len(changed) < watchPage {
			return revision, nil
		}
	}
}
