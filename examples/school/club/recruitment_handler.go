package club

import (
	"context"

	"github.com/google/uuid"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	clubv1 "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/page"
)

// CreateRecruitment begins to look for members today.
func (h *Handler) CreateRecruitment(ctx context.Context, req *clubv1.CreateRecruitmentRequest) (*clubv1.CreateRecruitmentResponse, error) {
	today := seoul.Day(h.now())
	if err := checkTo(today, req.GetTo()); err != nil {
		return nil, err
	}
	r, err := h.store.CreateRecruitment(ctx, Recruitment{
		ID: uuid.NewString(), Club: req.GetClubId(), Concept: req.GetConcept(), Seats: seatsOf(req.GetSeats()), From: today, To: req.GetTo(), Created: h.now(),
	}, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &clubv1.CreateRecruitmentResponse{Recruitment: recruitmentToProto(r, today)}, nil
}

// checkTo returns fault.ErrInvalid for a last day before the first one.
func checkTo(from, to string) error {
	if to == "" {
		return nil
	}
	if _, err := seoul.ParseDay("to", to); err != nil {
		return err
	}
	if to < from {
		return fault.InvalidField("to", "is before %s", from)
	}
	return nil
}

// ListRecruitments returns a page of recruitments.
func (h *Handler) ListRecruitments(ctx context.Context, req *clubv1.ListRecruitmentsRequest) (*clubv1.ListRecruitmentsResponse, error) {
	today := seoul.Day(h.now())
	q := RecruitmentQuery{Club: req.GetClubId(), Text: req.GetQuery()}
	if req.GetOpen() {
		q.Open = today
	}
	cursor := func(r Recruitment) RecruitmentCursor { return RecruitmentCursor{r.Created.UnixMicro(), r.ID} }
	all, next, err := page.Of(req, cursor, func(after RecruitmentCursor, limit int) ([]Recruitment, error) {
		q.After, q.Limit = after, limit
		return h.store.Recruitments(ctx, q)
	})
	if err != nil {
		return nil, err
	}
	res := &clubv1.ListRecruitmentsResponse{NextPageToken: next}
	for _, r := range all {
		res.Recruitments = append(res.Recruitments, recruitmentToProto(r, today))
	}
	return res, nil
}

// UpdateRecruitment replaces an open recruitment.
func (h *Handler) UpdateRecruitment(ctx context.Context, req *clubv1.UpdateRecruitmentRequest) (*clubv1.UpdateRecruitmentResponse, error) {
	today := seoul.Day(h.now())
	r, err := h.store.ChangeRecruitment(ctx, req.GetId(), callerOf(ctx), func(r *Recruitment) error {
		if !r.Open(today) {
			return fault.Preconditionf("the recruitment is closed")
		}
		r.Concept, r.Seats, r.To = req.GetConcept(), seatsOf(req.GetSeats()), req.GetTo()
		return checkTo(r.From, r.To)
	})
	if err != nil {
		return nil, err
	}
	return &clubv1.UpdateRecruitmentResponse{Recruitment: recruitmentToProto(r, today)}, nil
}

// CloseRecruitment ends a recruitment.
func (h *Handler) CloseRecruitment(ctx context.Context, req *clubv1.CloseRecruitmentRequest) (*clubv1.CloseRecruitmentResponse, error) {
	r, err := h.store.ChangeRecruitment(ctx, req.GetId(), callerOf(ctx), func(r *Recruitment) error {
		r.Closed = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &clubv1.CloseRecruitmentResponse{Recruitment: recruitmentToProto(r, seoul.Day(h.now()))}, nil
}

func seatsOf(seats []*clubv1.Seat) []Seat {
	out := make([]Seat, len(seats))
	for i, s := range seats {
		out[i] = Seat{int(s.GetGrade()), s.GetField(), int(s.GetNumber())}
	}
	return out
}

func recruitmentToProto(r Recruitment, today string) *clubv1.Recruitment {
	out := &clubv1.Recruitment{Id: r.ID, ClubId: r.Club, ClubName: r.ClubName, Concept: r.Concept, From: r.From, To: r.To, Open: r.Open(today)}
	for _, s := range r.Seats {
		out.Seats = append(out.Seats, &clubv1.Seat{Grade: int32(s.Grade), Field: s.Field, Number: int32(s.Number)})
	}
	return out
}
