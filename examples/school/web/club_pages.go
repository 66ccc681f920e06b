package web

import (
	"net/http"

	clubv1 "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
)

// ClubList is the content of the list of clubs.
type ClubList struct {
	List
	Clubs []*clubv1.Club
}

// clubs shows the clubs.
func (v *visit) clubs() error {
	f := v.filters()
	res, err := v.api.club.ListClubs(v.ctx(), &clubv1.ListClubsRequest{Query: f.text("q"), PageSize: listSize, PageToken: f.Value("page")})
	if err != nil {
		return err
	}
	return v.page("clubs", "동아리", ClubList{v.list(res.GetNextPageToken()), res.GetClubs()})
}

// ClubPage is the content of the page of a club.
type ClubPage struct {
	List
	Club         *clubv1.Club
	Recruitments []*clubv1.Recruitment
	Manage       bool
	Form         *Form
}

// club shows a club with its members and recruitments.
func (v *visit) club() error { return v.showClub(http.StatusOK, newForm()) }

func (v *visit) showClub(status int, f *Form) error {
	id := v.r.PathValue("id")
	res, err := v.api.club.GetClub(v.ctx(), &clubv1.GetClubRequest{ClubId: id})
	if err != nil {
		return err
	}
	recruitments, err := v.api.club.ListRecruitments(v.ctx(), &clubv1.ListRecruitmentsRequest{ClubId: id, PageSize: listSize, PageToken: v.query("page")})
	if err != nil {
		return err
	}
	if !f.values.Has("seat_number") {
		f.values.Set("seat_number", "1")
	}
	c := res.GetClub()
	v.show(status, "club", c.GetName(), ClubPage{
		v.list(recruitments.GetNextPageToken()), c, recruitments.GetRecruitments(), v.isTeacher() || c.GetHead() == v.session.account.GetId(), f,
	})
	return nil
}

// changeClub does something about a club by a form, and shows the club again.
func (v *visit) changeClub(text string, change func(id string, f *Form) error, fields ...string) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	if err := change(id, f); err != nil {
		if !answers(err) {
			return err
		}
		return v.showClub(f.fail(err, fields...), f)
	}
	return v.done("/clubs/"+id, text)
}

// addMember makes a student a member.
func (v *visit) addMember() error {
	return v.changeClub("부원으로 넣었습니다.", func(id string, f *Form) error {
		_, err := v.api.club.AddMember(v.ctx(), &clubv1.AddMemberRequest{ClubId: id, Student: f.text("student")})
		return err
	}, "student")
}

// removeMember ends a membership.
func (v *visit) removeMember() error {
	return v.changeClub("부원에서 뺐습니다.", func(id string, f *Form) error {
		_, err := v.api.club.RemoveMember(v.ctx(), &clubv1.RemoveMemberRequest{ClubId: id, Student: f.text("student")})
		return err
	})
}

// createRecruitment begins to look for members.
func (v *visit) createRecruitment() error {
	return v.changeClub("모집을 시작했습니다.", func(id string, f *Form) error {
		_, err := v.api.club.CreateRecruitment(v.ctx(), &clubv1.CreateRecruitmentRequest{
			ClubId: id, Concept: f.text("concept"), To: f.text("to"),
			Seats: []*clubv1.Seat{{Grade: f.number("seat_grade"), Field: f.text("seat_field"), Number: f.number("seat_number")}},
		})
		return err
	}, "concept", "to")
}

// closeRecruitment ends a recruitment.
func (v *visit) closeRecruitment() error {
	res, err := v.api.club.CloseRecruitment(v.ctx(), &clubv1.CloseRecruitmentRequest{Id: v.r.PathValue("id")})
	if err != nil {
		return err
	}
	return v.done("/clubs/"+res.GetRecruitment().GetClubId(), "모집을 끝냈습니다.")
}

// RecruitmentList is the content of the list of recruitments.
type RecruitmentList struct {
	List
	Recruitments []*clubv1.Recruitment
}

// recruitments shows the recruitments that run today, or all.
func (v *visit) recruitments() error {
	f := v.filters()
	res, err := v.api.club.ListRecruitments(v.ctx(), &clubv1.ListRecruitmentsRequest{
		Open: f.Value("all") == "", Query: f.text("q"), PageSize: listSize, PageToken: f.Value("page"),
	})
	if err != nil {
		return err
	}
	return v.page("recruitments", "부원 모집", RecruitmentList{v.list(res.GetNextPageToken()), res.GetRecruitments()})
}
