package web

import (
	"net/http"

	announcementv1 "github.com/bongsu-project/bongsu/gen/go/school/announcement/v1"
	clubv1 "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
)

// AnnouncementList is the content of the list of announcements.
type AnnouncementList struct {
	List
	Announcements []*announcementv1.Announcement
	Write         bool
}

// announcements shows the announcements that the person may see.
func (v *visit) announcements() error {
	f := v.filters()
	res, err := v.api.announcement.ListAnnouncements(v.ctx(), &announcementv1.ListAnnouncementsRequest{
		Kind: announcementv1.Kind(f.number("kind")), Unread: f.Value("unread") != "", Query: f.text("q"), PageSize: listSize, PageToken: f.Value("page"),
	})
	if err != nil {
		return err
	}
	return v.page("announcements", "공지", AnnouncementList{v.list(res.GetNextPageToken()), res.GetAnnouncements(), v.isTeacher() || v.isStudent()})
}

// AnnouncementPage is the content of the page of an announcement.
type AnnouncementPage struct {
	Announcement   *announcementv1.Announcement
	Previous, Next string // ids; empty for none
	Delete         bool
}

// announcement shows an announcement, and notes that the person has read it.
func (v *visit) announcement() error {
	id := v.r.PathValue("id")
	res, err := v.api.announcement.GetAnnouncement(v.ctx(), &announcementv1.GetAnnouncementRequest{Id: id})
	if err != nil {
		return err
	}
	a := res.GetAnnouncement()
	if !a.GetRead() && v.r.Method == http.MethodGet {
		if _, err := v.api.announcement.MarkRead(v.ctx(), &announcementv1.MarkReadRequest{Id: id}); err != nil {
			return err
		}
	}
	return v.page("announcement", a.GetTitle(), AnnouncementPage{a, res.GetPreviousId(), res.GetNextId(), a.GetWriter() == v.session.account.GetId()})
}

// AnnouncementForm is the content of the page on which an announcement is written.
type AnnouncementForm struct {
	*Form
	Clubs []*clubv1.Club // of which the person is the head
}

func (v *visit) newAnnouncementPage() error {
	return v.showAnnouncementForm(http.StatusOK, newForm("club_id", v.query("club")))
}

func (v *visit) showAnnouncementForm(status int, f *Form) error {
	p := AnnouncementForm{Form: f}
	if v.isStudent() {
		var err error
		if p.Clubs, err = v.ownClubs(); err != nil {
			return err
		}
	}
	v.show(status, "announcement_new", "공지 쓰기", p)
	return nil
}

// ownClubs returns the clubs of which the person is the head.
func (v *visit) ownClubs() (own []*clubv1.Club, err error) {
	for token := ""; ; {
		res, err := v.api.club.ListClubs(v.ctx(), &clubv1.ListClubsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return nil, err
		}
		for _, c := range res.GetClubs() {
			if c.GetHead() == v.session.account.GetId() {
				own = append(own, c)
			}
		}
		if token = res.GetNextPageToken(); token == "" {
			return own, nil
		}
	}
}

// createAnnouncement publishes an announcement.
func (v *visit) createAnnouncement() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	res, err := v.api.announcement.CreateAnnouncement(v.ctx(), &announcementv1.CreateAnnouncementRequest{
		ClubId: f.Value("club_id"), Title: f.text("title"), Content: f.text("content"), Grades: f.numbers("grades"), Classes: f.numbers("classes"),
	})
	if err != nil {
		if !answers(err) {
			return err
		}
		return v.showAnnouncementForm(f.fail(err, "club_id", "title", "content", "grades", "classes"), f)
	}
	return v.done("/announcements/"+res.GetAnnouncement().GetId(), "공지를 올렸습니다.")
}

// deleteAnnouncement deletes an announcement.
func (v *visit) deleteAnnouncement() error {
	if _, err := v.api.announcement.DeleteAnnouncement(v.ctx(), &announcementv1.DeleteAnnouncementRequest{Id: v.r.PathValue("id")}); err != nil {
		return err
	}
	return v.done("/announcements", "공지를 지웠습니다.")
}
