package web

import (
	"crypto/rand"
	"net/http"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	outingv1 "github.com/bongsu-project/bongsu/gen/go/school/outing/v1"
)

// OutingList is the content of the list of outings.
type OutingList struct {
	List
	Outings []*outingv1.Outing
	Student bool
}

// outings shows the outings that the person may see. Teachers first see those that wait for them.
func (v *visit) outings() error {
	f := v.filters()
	if !v.r.URL.Query().Has("state") && v.isTeacher() {
		return v.redirect("/outings?state=2")
	}
	res, err := v.api.outing.ListOutings(v.ctx(), &outingv1.ListOutingsRequest{
		State: outingv1.OutingState(f.number("state")), Query: f.text("q"), Date: f.text("date"), PageSize: listSize, PageToken: f.Value("page"),
	})
	if err != nil {
		return err
	}
	return v.page("outings", "외출", OutingList{v.list(res.GetNextPageToken()), res.GetOutings(), v.isStudent()})
}

func (v *visit) newOutingPage() error {
	return v.page("outing_new", "외출 신청", newForm("situation", "1", "idempotency_key", rand.Text()))
}

// requestOuting asks for an outing today.
func (v *visit) requestOuting() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	now := v.pages.now()
	start, end := f.clock("start_time", now, now), f.clock("end_time", now, time.Time{})
	req := &outingv1.RequestOutingRequest{
		StartTime: timestamppb.New(start), Situation: outingv1.Situation(f.number("situation")), Place: f.text("place"), Reason: f.text("reason"),
		IdempotencyKey: f.Value("idempotency_key"),
	}
	if !end.IsZero() {
		req.EndTime = timestamppb.New(end)
	}
	if f.invalid() {
		v.show(http.StatusUnprocessableEntity, "outing_new", "외출 신청", f)
		return nil
	}
	res, err := v.api.outing.RequestOuting(v.ctx(), req)
	if err != nil {
		return v.again(f, err, "outing_new", "외출 신청", "start_time", "end_time", "situation", "place", "reason")
	}
	return v.done("/outings/"+res.GetOuting().GetId(), "외출을 신청했습니다.")
}

// OutingPage is the content of the page of an outing.
type OutingPage struct {
	Outing  *outingv1.Outing
	Steps   []Step
	Form    *Form
	Decide  bool // whether the person may approve or refuse it
	Leave   bool // whether the person may leave
	Cancel  bool // whether the person may withdraw it
	End     bool // whether the person may note the return
	Account string
}

// outing shows an outing.
func (v *visit) outing() error { return v.showOuting(http.StatusOK, newForm()) }

func (v *visit) showOuting(status int, f *Form) error {
	res, err := v.api.outing.GetOuting(v.ctx(), &outingv1.GetOutingRequest{Id: v.r.PathValue("id")})
	if err != nil {
		return err
	}
	o := res.GetOuting()
	p := OutingPage{Outing: o, Steps: steps(o), Form: f}
	switch state := o.GetState(); {
	case v.isStudent():
		p.Leave = state == outingv1.OutingState_OUTING_STATE_APPROVED
		p.Cancel = p.Leave || state == outingv1.OutingState_OUTING_STATE_REQUESTED || state == outingv1.OutingState_OUTING_STATE_PARENT_APPROVED
	case v.isTeacher():
		p.Decide = state == outingv1.OutingState_OUTING_STATE_PARENT_APPROVED
		p.End = state == outingv1.OutingState_OUTING_STATE_OUT
	default:
		p.Decide = state == outingv1.OutingState_OUTING_STATE_REQUESTED
	}
	v.show(status, "outing", o.GetStudentName()+"의 외출", p)
	return nil
}

// changeOuting does what a button of the page of an outing says.
func (v *visit) changeOuting() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	var text string
	switch v.r.PathValue("action") {
	case "approve":
		text, err = "외출을 허락했습니다.", v.decide(id, outingv1.Decision_DECISION_APPROVE, "")
	case "refuse":
		text, err = "외출을 허락하지 않았습니다.", v.decide(id, outingv1.Decision_DECISION_REFUSE, f.text("comment"))
	case "leave":
		text = "외출을 시작했습니다. 잘 다녀오세요."
		_, err = v.api.outing.StartOuting(v.ctx(), &outingv1.StartOutingRequest{Id: id})
	case "cancel":
		text = "외출 신청을 취소했습니다."
		_, err = v.api.outing.CancelOuting(v.ctx(), &outingv1.CancelOutingRequest{Id: id})
	case "end":
		text = "돌아온 것을 적었습니다."
		_, err = v.api.outing.EndOuting(v.ctx(), &outingv1.EndOutingRequest{Id: id})
	default:
		return v.notFound()
	}
	if err == nil {
		return v.done("/outings/"+id, text)
	}
	if !answers(err) {
		return err
	}
	return v.showOuting(f.fail(err, "comment"), f)
}

func (v *visit) decide(id string, d outingv1.Decision, comment string) error {
	_, err := v.api.outing.DecideOuting(v.ctx(), &outingv1.DecideOutingRequest{Id: id, Decision: d, Comment: comment})
	return err
}

// linkPage shows the outing of the link in a message. It decides nothing: programs that preview links
// open it, too.
func (v *visit) linkPage() error {
	v.hideLink()
	return v.showLink(http.StatusOK, newForm())
}

// hideLink keeps search engines from the address of the page, which is a credential.
func (v *visit) hideLink() { v.w.Header().Set("X-Robots-Tag", "noindex, nofollow") }

func (v *visit) showLink(status int, f *Form) error {
	res, err := v.api.outing.GetOutingByLink(v.ctx(), &outingv1.GetOutingByLinkRequest{Link: v.r.PathValue("link")})
	if err != nil {
		return err
	}
	o := res.GetOuting()
	v.show(status, "link", "외출 허락", OutingPage{Outing: o, Steps: steps(o), Form: f, Decide: true, Account: res.GetAccount()})
	return nil
}

// decideByLink approves or refuses by the link in a message, which is used up then.
func (v *visit) decideByLink() error {
	v.hideLink()
	f, err := v.form()
	if err != nil {
		return err
	}
	req := &outingv1.DecideOutingByLinkRequest{Link: v.r.PathValue("link")}
	switch f.Value("decision") {
	case "approve":
		req.Decision = outingv1.Decision_DECISION_APPROVE
	case "refuse":
		req.Decision, req.Comment = outingv1.Decision_DECISION_REFUSE, f.text("comment")
	}
	res, err := v.api.outing.DecideOutingByLink(v.ctx(), req)
	if err != nil {
		if p := problemOf(err); len(p.fields) > 0 {
			return v.showLink(f.fail(err, "comment"), f)
		}
		return err
	}
	return v.page("link", "결정했습니다", OutingPage{Outing: res.GetOuting(), Steps: steps(res.GetOuting()), Form: f})
}

// A Step is a step in the time line of an outing.
type Step struct {
	Text  string
	Time  *timestamppb.Timestamp // nil if it is not known, or not reached
	State string                 // done, current, refused or open
}

// steps returns the time line of an outing.
func steps(o *outingv1.Outing) []Step {
	emergency := o.GetSituation() == outingv1.Situation_SITUATION_EMERGENCY
	all := []Step{{"신청", o.GetCreateTime(), "done"}}
	if !emergency && (o.GetParent() != "" || o.GetState() == outingv1.OutingState_OUTING_STATE_REQUESTED) {
		all = append(all, Step{Text: "보호자의 허락"})
	}
	all = append(all, Step{Text: "선생님의 승인"}, Step{"나감", o.GetLeaveTime(), ""}, Step{"돌아옴", o.GetReturnTime(), ""})
	decided := len(all) - 3 // the index of the teacher's step
	switch o.GetState() {
	case outingv1.OutingState_OUTING_STATE_REQUESTED:
		return mark(all, 1, "current")
	case outingv1.OutingState_OUTING_STATE_PARENT_REFUSED:
		return mark(all[:2], 1, "refused")
	case outingv1.OutingState_OUTING_STATE_PARENT_APPROVED:
		return mark(all, decided, "current")
	case outingv1.OutingState_OUTING_STATE_TEACHER_REFUSED:
		return mark(all[:decided+1], decided, "refused")
	case outingv1.OutingState_OUTING_STATE_APPROVED:
		return mark(all, decided+1, "current")
	case outingv1.OutingState_OUTING_STATE_OUT:
		return mark(all, decided+2, "current")
	case outingv1.OutingState_OUTING_STATE_RETURNED:
		return mark(all, len(all), "")
	case outingv1.OutingState_OUTING_STATE_CANCELED:
		return []Step{all[0], {Text: "취소", State: "refused"}}
	default:
		return []Step{all[0], {Text: "시간이 지남", Time: o.GetEndTime(), State: "refused"}}
	}
}

// mark marks the steps before one as done, and those after it as open.
func mark(all []Step, here int, state string) []Step {
	for i := range all {
		switch {
		case i < here:
			all[i].State = "done"
		case i == here:
			all[i].State = state
		default:
			all[i].State = "open"
		}
	}
	return all
}

// today returns the day in Seoul.
func (v *visit) today() string { return seoul.Day(v.pages.now()) }
