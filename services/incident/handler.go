package incident

import (
	"context"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ incidentv1connect.IncidentServiceHandler = (*Handler)(nil)

// A Handler implements IncidentService.
type Handler struct {
	Incidents Incidents
	Hub       *Hub // of WatchIncidents; it is notified of changes
	// Notify is called after notices were stored. It must not block.
	Notify func()
	Now    func() time.Time
}

// parseID returns the id of a valid request.
func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.InvalidField("id", "must be an id, at most 9223372036854775807")
	}
	return id, nil
}

// actorOf returns the name of the person or program that makes a request: the nickname or the key
// name of the caller, or by if the caller has no credentials.
func actorOf(ctx context.Context, by string) (string, error) {
	caller, ok := auth.CallerOf(ctx)
	if !ok {
		return by, nil
	}
	self := caller.Nickname
	if self == "" {
		self = caller.Name
	}
	if by != "" && by != self {
		return "", fault.InvalidField("by", "must be empty or %q: a caller with credentials can only name itself", self)
	}
	return self, nil
}
