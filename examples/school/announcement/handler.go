package announcement

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bongsu-project/bongsu/examples/school/people"
	announcementv1 "github.com/bongsu-project/bongsu/gen/go/school/announcement/v1"
	"github.com/bongsu-project/bongsu/gen/go/school/announcement/v1/announcementv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/page"
)

// A Handler serves AnnouncementService.
type Handler struct {
	store *Store
	now   func() time.Time
}

var _ announcementv1connect.AnnouncementServiceHandler = (*Handler)(nil)

func viewer(ctx context.Context) Viewer {
	caller, _ := auth.CallerOf(ctx)
	return Viewer{caller.Nickname, slices.Contains(caller.Roles, people.Student)}
}

// CreateAnnouncement publishes an announcement.
func (h *Handler) CreateAnnouncement(ctx context.Context, req *announcementv1.CreateAnnouncementRequest) (*announcementv1.CreateAnnouncementResponse, error) {
	by, now := viewer(ctx), h.now().Truncate(time.Microsecond)
	a := Announcement{
		ID: uuid.NewString(), Kind: School, Club: req.GetClubId(), Writer: by.Account, Title: req.GetTitle(), Content: req.GetContent(),
		Grades: setOf(req.GetGrades()), Classes: setOf(req.GetClasses()), Created: now, Updated: now,
	}
	if a.Club != "" {
		a.Kind = Club
	} else if by.Student {
		return nil, fault.Deniedf("not allowed: a student writes for a club; set club_id")
	}
	a, err := h.store.Create(ctx, a)
	if err != nil {
		return nil, err
	}
	return &announcementv1.CreateAnnouncementResponse{Announcement: toProto(a)}, nil
}

// ListAnnouncements returns a page of announcements without contents.
func (h *Handler) ListAnnouncements(ctx context.Context, req *announcementv1.ListAnnouncementsRequest) (*announcementv1.ListAnnouncementsResponse, error) {
	cursor := func(a Announcement) Cursor { return Cursor{a.Created.UnixMicro(), a.ID} }
	all, next, err := page.Of(req, cursor, func(after Cursor, limit int) ([]Announcement, error) {
		return h.store.Announcements(ctx, viewer(ctx), Query{
			Kind: kinds[req.GetKind()], Mine: req.GetMine(), Unread: req.GetUnread(), Text: req.GetQuery(), After: after, Limit: limit,
		})
	})
	if err != nil {
		return nil, err
	}
	res := &announcementv1.ListAnnouncementsResponse{NextPageToken: next}
	for _, a := range all {
		a.Content = ""
		res.Announcements = append(res.Announcements, toProto(a))
	}
	return res, nil
}

// GetAnnouncement returns an announcement.
func (h *Handler) GetAnnouncement(ctx context.Context, req *announcementv1.GetAnnouncementRequest) (*announcementv1.GetAnnouncementResponse, error) {
	a, previous, next, err := h.store.Announcement(ctx, viewer(ctx), req.GetId())
	if err != nil {
		return nil, err
	}
	return &announcementv1.GetAnnouncementResponse{Announcement: toProto(a), PreviousId: previous, NextId: next}, nil
}

// MarkRead notes that the caller has read an announcement.
func (h *Handler) MarkRead(ctx context.Context, req *announcementv1.MarkReadRequest) (*announcementv1.MarkReadResponse, error) {
	if err := h.store.MarkRead(ctx, viewer(ctx), req.GetId(), h.now()); err != nil {
		return nil, err
	}
	return &announcementv1.MarkReadResponse{}, nil
}

// CountUnread returns how many announcements the caller has not read.
func (h *Handler) CountUnread(ctx context.Context, _ *announcementv1.CountUnreadRequest) (*announcementv1.CountUnreadResponse, error) {
	n, err := h.store.CountUnread(ctx, viewer(ctx))
	if err != nil {
		return nil, err
	}
	return &announcementv1.CountUnreadResponse{Unread: int32(n)}, nil
}

// ListReaders returns a page of readers.
func (h *Handler) ListReaders(ctx context.Context, req *announcementv1.ListReadersRequest) (*announcementv1.ListReadersResponse, error) {
	by := viewer(ctx)
	all, next, err := page.Of(req, func(r Reader) string { return r.Account }, func(after string, limit int) ([]Reader, error) {
		return h.store.Readers(ctx, req.GetId(), req.GetQuery(), after, limit, func(a Announcement) error {
			if by.Student {
				return mustBeWriter(a, by)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	res := &announcementv1.ListReadersResponse{NextPageToken: next}
	for _, r := range all {
		res.Readers = append(res.Readers, &announcementv1.Reader{Account: r.Account, Name: r.Name, ReadTime: timestamppb.New(r.Time)})
	}
	return res, nil
}

// mustBeWriter returns fault.ErrDenied unless a caller has written an announcement.
func mustBeWriter(a Announcement, by Viewer) error {
	if a.Writer == by.Account {
		return nil
	}
	return fault.Deniedf("not allowed: the announcement is by %s", a.Writer)
}

// UpdateAnnouncement replaces an announcement.
func (h *Handler) UpdateAnnouncement(ctx context.Context, req *announcementv1.UpdateAnnouncementRequest) (*announcementv1.UpdateAnnouncementResponse, error) {
	by := viewer(ctx)
	a, err := h.store.Update(ctx, Announcement{
		ID: req.GetId(), Writer: by.Account, Title: req.GetTitle(), Content: req.GetContent(),
		Grades: setOf(req.GetGrades()), Classes: setOf(req.GetClasses()), Updated: h.now(),
	}, func(a Announcement) error { return mustBeWriter(a, by) })
	if err != nil {
		return nil, err
	}
	return &announcementv1.UpdateAnnouncementResponse{Announcement: toProto(a)}, nil
}

// DeleteAnnouncement deletes an announcement.
func (h *Handler) DeleteAnnouncement(ctx context.Context, req *announcementv1.DeleteAnnouncementRequest) (*announcementv1.DeleteAnnouncementResponse, error) {
	by := viewer(ctx)
	caller, _ := auth.CallerOf(ctx)
	err := h.store.Delete(ctx, req.GetId(), func(a Announcement) error {
		if slices.Contains(caller.Roles, "school_admin") {
			return nil
		}
		return mustBeWriter(a, by)
	})
	if err != nil {
		return nil, err
	}
	return &announcementv1.DeleteAnnouncementResponse{}, nil
}

var kinds = map[announcementv1.Kind]Kind{announcementv1.Kind_KIND_SCHOOL: School, announcementv1.Kind_KIND_CLUB: Club}

func toProto(a Announcement) *announcementv1.Announcement {
	out := &announcementv1.Announcement{
		Id: a.ID, ClubId: a.Club, Writer: a.Writer, WriterName: a.WriterName, Title: a.Title, Content: a.Content,
		Grades: a.Grades.Numbers(), Classes: a.Classes.Numbers(), CreateTime: timestamppb.New(a.Created), UpdateTime: timestamppb.New(a.Updated),
		ReaderCount: int32(a.Readers), Read: a.Read,
	}
	for wire, kind := range kinds {
		if kind == a.Kind {
			out.Kind = wire
		}
	}
	return out
}
