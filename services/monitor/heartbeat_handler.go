package monitor

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ monitorv1connect.HeartbeatServiceHandler = (*HeartbeatHandler)(nil)

// maxContentType is the maximum length of a stored content type in bytes.
const maxContentType = 200

// A HeartbeatHandler implements HeartbeatService.
type HeartbeatHandler struct {
	Monitors   Monitors
	Heartbeats Heartbeats
	Conditions *ConditionTracker
	// Notify is called after notices may have been stored. It must not block.
	Notify func()
	Now    func() time.Time
}

// SendHeartbeat records a success.
func (h *HeartbeatHandler) SendHeartbeat(ctx context.Context, req *monitorv1.SendHeartbeatRequest) (*monitorv1.SendHeartbeatResponse, error) {
	s, err := h.add(ctx, req.GetName(), PingSuccess, req.GetBody())
	if err != nil {
		return nil, err
	}
	return &monitorv1.SendHeartbeatResponse{DueTime: timeToWire(s.NextTime)}, nil
}

// StartHeartbeat records the begin of a run.
func (h *HeartbeatHandler) StartHeartbeat(ctx context.Context, req *monitorv1.StartHeartbeatRequest) (*monitorv1.StartHeartbeatResponse, error) {
	s, err := h.add(ctx, req.GetName(), PingStart, req.GetBody())
	if err != nil {
		return nil, err
	}
	return &monitorv1.StartHeartbeatResponse{DueTime: timeToWire(s.NextTime)}, nil
}

// FailHeartbeat records a failure.
func (h *HeartbeatHandler) FailHeartbeat(ctx context.Context, req *monitorv1.FailHeartbeatRequest) (*monitorv1.FailHeartbeatResponse, error) {
	s, err := h.add(ctx, req.GetName(), PingFail, req.GetBody())
	if err != nil {
		return nil, err
	}
	return &monitorv1.FailHeartbeatResponse{DueTime: timeToWire(s.NextTime)}, nil
}

// add stores a ping with the begin of its body.
func (h *HeartbeatHandler) add(ctx context.Context, name string, kind PingKind, body *httpbody.HttpBody) (Status, error) {
	data := body.GetData()
	p := Ping{
		Kind: kind, Time: h.Now().UTC().Truncate(time.Microsecond), Body: data[:min(len(data), MaxPingBody)],
		ContentType: printable(body.GetContentType(), maxContentType), By: callerOf(ctx),
	}
	maintenance := h.Conditions.InMaintenance(name, p.Time)
	s, err := h.Heartbeats.AddPing(context.WithoutCancel(ctx), name, p, func(m Monitor, p Ping) (Status, *Result, []Notice) { return JudgePing(m, p, maintenance) })
	if err != nil {
		return Status{}, err
	}
	h.Notify()
	return s, nil
}

// printable returns the first bytes of a text if all of them are printable ASCII, and otherwise an
// empty text.
func printable(text string, limit int) string {
	text = text[:min(len(text), limit)]
	for _, b := range []byte(text) {
		if b < ' ' || b > '~' {
			return ""
		}
	}
	return text
}

// callerOf returns the nickname of the caller, or the name of their key; empty without credentials.
func callerOf(ctx context.Context) string {
	caller, ok := auth.CallerOf(ctx)
	if !ok {
		return ""
	}
	return cmp.Or(caller.Nickname, caller.Name)
}

// ListPings returns a page of pings. The token of the next page is the time of the last one in
// microseconds.
func (h *HeartbeatHandler) ListPings(ctx context.Context, req *monitorv1.ListPingsRequest) (*monitorv1.ListPingsResponse, error) {
	before, err := timeOfToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	m, err := h.Monitors.Monitor(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if !isHeartbeat(m) {
		return nil, fault.WithResource(fault.NotFoundf("monitor %s is no heartbeat", req.GetName()), "heartbeat", req.GetName())
	}
	limit := cmp.Or(int(req.GetPageSize()), defaultPage)
	all, err := h.Heartbeats.ListPings(ctx, m.ID, before, limit+1)
	if err != nil {
		return nil, err
	}
	res := &monitorv1.ListPingsResponse{}
	if len(all) > limit {
		all = all[:limit]
		res.NextPageToken = timeToken(all[limit-1].Time)
	}
	for _, p := range all {
		res.Pings = append(res.Pings, &monitorv1.Ping{
			Kind: monitorv1.PingKind(p.Kind), Time: timeToWire(p.Time), Body: p.Body, ContentType: p.ContentType, By: p.By,
		})
	}
	return res, nil
}
