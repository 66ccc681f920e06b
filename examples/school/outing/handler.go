package outing

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/examples/school/seoul"
	outingv1 "github.com/bongsu-project/bongsu/gen/go/school/outing/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/outing/v1/outingv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/page"
)

// A Handler serves OutingService.
type Handler struct {
	store *Store
	now   func() time.Time
}

var _ outingv1connect.OutingServiceHandler = (*Handler)(nil)

// viewer returns the caller: a student or a parent sees some outings, anybody else all.
func viewer(ctx context.Context) Viewer {
	caller, _ := auth.CallerOf(ctx)
	for _, role := range []string{people.Student, people.Parent} {
		if slices.Contains(caller.Roles, role) {
			return Viewer{caller.Nickname, role}
		}
	}
	return Viewer{caller.Nickname, people.Teacher}
}

// RequestOuting requests an outing of the caller.
func (h *Handler) RequestOuting(ctx context.Context, req *outingv1.RequestOutingRequest) (*outingv1.RequestOutingResponse, error) {
	o := Outing{
		ID: uuid.NewString(), Student: viewer(ctx).Account, Emergency: req.GetSituation() == outingv1.Situation_SITUATION_EMERGENCY,
		Start: stored(req.GetStartTime().AsTime()), End: stored(req.GetEndTime().AsTime()), Created: stored(h.now()),
		Place: req.GetPlace(), Reason: req.GetReason(), IdempotencyKey: req.GetIdempotencyKey(),
	}
	o.requestHash = requestHash(o)
	if err := o.check(h.now()); err != nil {
		return nil, err
	}
	o, err := h.store.Request(ctx, o)
	if err != nil {
		return nil, err
	}
	return &outingv1.RequestOutingResponse{Outing: h.toProto(o)}, nil
}

// stored returns a time as it is stored, so that a repeated request gets the same response.
func stored(t time.Time) time.Time { return t.Truncate(time.Microsecond) }

// requestHash returns a hash of the content of a request.
func requestHash(o Outing) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %t %q %q", o.Start.UnixMicro(), o.End.UnixMicro(), o.Emergency, o.Place, o.Reason))
	return string(sum[:])
}

// ListOutings returns a page of outings.
func (h *Handler) ListOutings(ctx context.Context, req *outingv1.ListOutingsRequest) (*outingv1.ListOutingsResponse, error) {
	if req.GetDate() != "" {
		if _, err := seoul.ParseDay("date", req.GetDate()); err != nil {
			return nil, err
		}
	}
	cursor := func(o Outing) Cursor { return Cursor{micros(o.Created), o.ID} }
	all, next, err := page.Of(req, cursor, func(after Cursor, limit int) ([]Outing, error) {
		return h.store.Outings(ctx, Query{
			Viewer: viewer(ctx), State: stateOf(req.GetState()), Student: req.GetStudent(), Grade: int(req.GetGrade()), Class: int(req.GetClass()),
			Day: req.GetDate(), Text: req.GetQuery(), After: after, Limit: limit,
		})
	})
	if err != nil {
		return nil, err
	}
	res := &outingv1.ListOutingsResponse{NextPageToken: next}
	for _, o := range all {
		res.Outings = append(res.Outings, h.toProto(o))
	}
	return res, nil
}

// GetOuting returns an outing.
func (h *Handler) GetOuting(ctx context.Context, req *outingv1.GetOutingRequest) (*outingv1.GetOutingResponse, error) {
	o, err := h.store.Outing(ctx, viewer(ctx), req.GetId())
	if err != nil {
		return nil, err
	}
	return &outingv1.GetOutingResponse{Outing: h.toProto(o)}, nil
}

// DecideOuting approves or refuses an outing.
func (h *Handler) DecideOuting(ctx context.Context, req *outingv1.DecideOutingRequest) (*outingv1.DecideOutingResponse, error) {
	by := viewer(ctx)
	o, err := h.store.Do(ctx, req.GetId(), Step{decision(by.Role, approves(req.GetDecision())), by, req.GetComment()})
	if err != nil {
		return nil, err
	}
	return &outingv1.DecideOutingResponse{Outing: h.toProto(o)}, nil
}

func approves(d outingv1.Decision) bool { return d == outingv1.Decision_DECISION_APPROVE }

// GetOutingByLink returns the outing of a link.
func (h *Handler) GetOutingByLink(ctx context.Context, req *outingv1.GetOutingByLinkRequest) (*outingv1.GetOutingByLinkResponse, error) {
	o, account, err := h.store.ByLink(ctx, req.GetLink())
	if err != nil {
		return nil, err
	}
	return &outingv1.GetOutingByLinkResponse{Outing: h.toProto(o), Account: account}, nil
}

// DecideOutingByLink approves or refuses by a link.
func (h *Handler) DecideOutingByLink(ctx context.Context, req *outingv1.DecideOutingByLinkRequest) (*outingv1.DecideOutingByLinkResponse, error) {
	o, err := h.store.DecideByLink(ctx, req.GetLink(), approves(req.GetDecision()), req.GetComment())
	if err != nil {
		return nil, err
	}
	return &outingv1.DecideOutingByLinkResponse{Outing: h.toProto(o)}, nil
}

// StartOuting notes that the caller leaves.
func (h *Handler) StartOuting(ctx context.Context, req *outingv1.StartOutingRequest) (*outingv1.StartOutingResponse, error) {
	o, err := h.store.Do(ctx, req.GetId(), Step{Action: Start, By: viewer(ctx)})
	if err != nil {
		return nil, err
	}
	return &outingv1.StartOutingResponse{Outing: h.toProto(o)}, nil
}

// EndOuting notes that a student is back.
func (h *Handler) EndOuting(ctx context.Context, req *outingv1.EndOutingRequest) (*outingv1.EndOutingResponse, error) {
	o, err := h.store.Do(ctx, req.GetId(), Step{Action: End, By: viewer(ctx)})
	if err != nil {
		return nil, err
	}
	return &outingv1.EndOutingResponse{Outing: h.toProto(o)}, nil
}

// CancelOuting withdraws an outing of the caller.
func (h *Handler) CancelOuting(ctx context.Context, req *outingv1.CancelOutingRequest) (*outingv1.CancelOutingResponse, error) {
	o, err := h.store.Do(ctx, req.GetId(), Step{Action: Cancel, By: viewer(ctx)})
	if err != nil {
		return nil, err
	}
	return &outingv1.CancelOutingResponse{Outing: h.toProto(o)}, nil
}

var states = map[outingv1.OutingState]State{
	outingv1.OutingState_OUTING_STATE_REQUESTED: Requested, outingv1.OutingState_OUTING_STATE_PARENT_APPROVED: ParentApproved,
	outingv1.OutingState_OUTING_STATE_PARENT_REFUSED: ParentRefused, outingv1.OutingState_OUTING_STATE_APPROVED: Approved,
	outingv1.OutingState_OUTING_STATE_TEACHER_REFUSED: TeacherRefused, outingv1.OutingState_OUTING_STATE_OUT: Out,
	outingv1.OutingState_OUTING_STATE_RETURNED: Returned, outingv1.OutingState_OUTING_STATE_CANCELED: Canceled,
	outingv1.OutingState_OUTING_STATE_EXPIRED: Expired,
}

func stateOf(s outingv1.OutingState) State { return states[s] }

func (h *Handler) toProto(o Outing) *outingv1.Outing {
	out := &outingv1.Outing{
		Id: o.ID, Student: o.Student, StudentName: o.StudentName, Grade: int32(o.Grade), Class: int32(o.Class), Number: int32(o.Number),
		Situation: outingv1.Situation_SITUATION_NORMAL, StartTime: timestamppb.New(o.Start), EndTime: timestamppb.New(o.End), Place: o.Place, Reason: o.Reason,
		CreateTime: timestamppb.New(o.Created), LeaveTime: optional(o.Left), ReturnTime: optional(o.Returned), Late: o.Late(h.now()),
		Parent: o.Parent, Teacher: o.Teacher, Comment: o.Comment,
	}
	if o.Emergency {
		out.Situation = outingv1.Situation_SITUATION_EMERGENCY
	}
	for wire, state := range states {
		if state == o.State {
			out.State = wire
		}
	}
	return out
}

func optional(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
