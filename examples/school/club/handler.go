package club

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bongsu-project/bongsu/examples/school/people"
	clubv1 "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/club/v1/clubv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/page"
)

// A Handler serves ClubService.
type Handler struct {
	store *Store
	now   func() time.Time
}

var _ clubv1connect.ClubServiceHandler = (*Handler)(nil)

// callerOf returns the caller. The policies permit students and those with more rights only.
func callerOf(ctx context.Context) Caller {
	caller, _ := auth.CallerOf(ctx)
	return Caller{caller.Nickname, !slices.Contains(caller.Roles, people.Student)}
}

// CreateClub creates a club.
func (h *Handler) CreateClub(ctx context.Context, req *clubv1.CreateClubRequest) (*clubv1.CreateClubResponse, error) {
	c, err := h.store.Create(ctx, Club{
		ID: uuid.NewString(), Head: req.GetHead(), Name: req.GetName(), Concept: req.GetConcept(), Introduction: req.GetIntroduction(),
		Field: req.GetField(), Location: req.GetLocation(), Floor: int(req.GetFloor()), Link: req.GetLink(),
	})
	if err != nil {
		return nil, err
	}
	return &clubv1.CreateClubResponse{Club: clubToProto(c)}, nil
}

// ListClubs returns a page of clubs.
func (h *Handler) ListClubs(ctx context.Context, req *clubv1.ListClubsRequest) (*clubv1.ListClubsResponse, error) {
	all, next, err := page.Of(req, func(c Club) Cursor { return Cursor{c.Name, c.ID} }, func(after Cursor, limit int) ([]Club, error) {
		return h.store.Clubs(ctx, Query{Text: req.GetQuery(), Field: req.GetField(), Floor: int(req.GetFloor()), After: after, Limit: limit})
	})
	if err != nil {
		return nil, err
	}
	res := &clubv1.ListClubsResponse{NextPageToken: next}
	for _, c := range all {
		res.Clubs = append(res.Clubs, clubToProto(c))
	}
	return res, nil
}

// GetClub returns a club with its members.
func (h *Handler) GetClub(ctx context.Context, req *clubv1.GetClubRequest) (*clubv1.GetClubResponse, error) {
	c, err := h.store.Club(ctx, req.GetClubId())
	if err != nil {
		return nil, err
	}
	return &clubv1.GetClubResponse{Club: clubToProto(c)}, nil
}

// UpdateClub replaces the description of a club.
func (h *Handler) UpdateClub(ctx context.Context, req *clubv1.UpdateClubRequest) (*clubv1.UpdateClubResponse, error) {
	c, err := h.store.Update(ctx, Club{
		ID: req.GetClubId(), Name: req.GetName(), Concept: req.GetConcept(), Introduction: req.GetIntroduction(),
		Field: req.GetField(), Location: req.GetLocation(), Floor: int(req.GetFloor()), Link: req.GetLink(),
	}, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &clubv1.UpdateClubResponse{Club: clubToProto(c)}, nil
}

// DeleteClub deletes a club.
func (h *Handler) DeleteClub(ctx context.Context, req *clubv1.DeleteClubRequest) (*clubv1.DeleteClubResponse, error) {
	if err := h.store.Delete(ctx, req.GetClubId()); err != nil {
		return nil, err
	}
	return &clubv1.DeleteClubResponse{}, nil
}

// AddMember makes a student a member.
func (h *Handler) AddMember(ctx context.Context, req *clubv1.AddMemberRequest) (*clubv1.AddMemberResponse, error) {
	c, err := h.store.AddMember(ctx, req.GetClubId(), req.GetStudent(), callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &clubv1.AddMemberResponse{Club: clubToProto(c)}, nil
}

// RemoveMember ends a membership.
func (h *Handler) RemoveMember(ctx context.Context, req *clubv1.RemoveMemberRequest) (*clubv1.RemoveMemberResponse, error) {
	c, err := h.store.RemoveMember(ctx, req.GetClubId(), req.GetStudent(), callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &clubv1.RemoveMemberResponse{Club: clubToProto(c)}, nil
}

func clubToProto(c Club) *clubv1.Club {
	out := &clubv1.Club{
		Id: c.ID, Head: c.Head, Name: c.Name, Concept: c.Concept, Introduction: c.Introduction, Field: c.Field,
		Location: c.Location, Floor: int32(c.Floor), Link: c.Link, MemberCount: int32(c.MemberCount),
	}
	for _, p := range c.Members {
		out.Members = append(out.Members, &clubv1.Member{Student: p.ID, Name: p.Name, Grade: int32(p.Grade), Class: int32(p.Class), Number: int32(p.Number)})
	}
	return out
}
