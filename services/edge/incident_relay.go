package edge

import (
	"context"

	"connectrpc.com/connect"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
)

var _ incidentv1connect.IncidentServiceHandler = IncidentRelay{}

// An IncidentRelay implements IncidentService by an incident service in another process. Unary
// calls are those of the client; streams are forwarded message by message.
type IncidentRelay struct {
	incidentv1connect.IncidentServiceClient
}

// WatchIncidents forwards the stream of the other service.
func (r IncidentRelay) WatchIncidents(ctx context.Context, req *incidentv1.WatchIncidentsRequest, to *connect.ServerStream[incidentv1.WatchIncidentsResponse]) error {
	from, err := r.IncidentServiceClient.WatchIncidents(ctx, req)
	if err != nil {
		return err
	}
	return relayStream(from, to)
}
