package incident

import (
	"context"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
)

// An actionRequest is the request of an action.
type actionRequest interface {
	GetId() string
	GetBy() string
}

// AckIncident acknowledges an incident.
func (h *Handler) AckIncident(ctx context.Context, req *incidentv1.AckIncidentRequest) (*incidentv1.AckIncidentResponse, error) {
	i, err := h.act(ctx, req, req.GetComment(), Acknowledge)
	if err != nil {
		return nil, err
	}
	return &incidentv1.AckIncidentResponse{Incident: incidentToWire(i)}, nil
}

// UnackIncident takes an acknowledgment back.
func (h *Handler) UnackIncident(ctx context.Context, req *incidentv1.UnackIncidentRequest) (*incidentv1.UnackIncidentResponse, error) {
	i, err := h.act(ctx, req, req.GetComment(), Unacknowledge)
	if err != nil {
		return nil, err
	}
	return &incidentv1.UnackIncidentResponse{Incident: incidentToWire(i)}, nil
}

// ResolveIncident resolves an incident.
func (h *Handler) ResolveIncident(ctx context.Context, req *incidentv1.ResolveIncidentRequest) (*incidentv1.ResolveIncidentResponse, error) {
	i, err := h.act(ctx, req, req.GetComment(), Resolve)
	if err != nil {
		return nil, err
	}
	return &incidentv1.ResolveIncidentResponse{Incident: incidentToWire(i)}, nil
}

// CommentIncident adds a comment.
func (h *Handler) CommentIncident(ctx context.Context, req *incidentv1.CommentIncidentRequest) (*incidentv1.CommentIncidentResponse, error) {
	var added Entry
	if _, err := h.act(ctx, req, req.GetText(), func(a Action) Rule { return Comment(a, &added) }); err != nil {
		return nil, err
	}
	return &incidentv1.CommentIncidentResponse{Entry: entryToWire(added)}, nil
}

// act changes an incident by the rule of an action, and notifies those who follow it.
func (h *Handler) act(ctx context.Context, req actionRequest, comment string, rule func(Action) Rule) (Incident, error) {
	id, err := parseID(req.GetId())
	if err != nil {
		return Incident{}, err
	}
	by, err := actorOf(ctx, req.GetBy())
	if err != nil {
		return Incident{}, err
	}
	i, err := h.Incidents.Modify(ctx, id, rule(Action{By: by, Comment: comment, Time: h.Now()}))
	if err != nil {
		return Incident{}, err
	}
	h.Hub.Changed()
	h.Notify()
	return i, nil
}
