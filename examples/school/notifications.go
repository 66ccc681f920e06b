package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
)

// outingWaiting is the escalation policy of outings that wait for a decision.
const outingWaiting = "outing-waiting"

// headTeachers is the group of the head teachers.
const headTeachers = "head-teacher"

// setNotifications sets who is notified of what. The head teacher is notified of an outing that waits
// for a decision after a time.
func setNotifications(ctx context.Context, edge platform.Edge, escalateAfter time.Duration) error {
	groups := groupv1connect.NewGroupServiceClient(edge.Client, edge.URL)
	if err := platform.Create(ctx, groups.CreateGroup, &groupv1.CreateGroupRequest{GroupName: headTeachers}); err != nil { // the school may have none yet
		return fmt.Errorf("group %s: %w", headTeachers, err)
	}
	policies := incidentv1connect.NewEscalationPolicyServiceClient(edge.Client, edge.URL)
	_, err := platform.Retry(ctx, policies.SetEscalationPolicy, &incidentv1.SetEscalationPolicyRequest{
		Name: outingWaiting,
		Steps: []*incidentv1.EscalationStep{{
			Target: []string{"@@" + headTeachers}, By: []string{"inbox"}, Wait: durationpb.New(escalateAfter),
		}},
	})
	if err != nil {
		return fmt.Errorf("escalation policy %s: %w", outingWaiting, err)
	}
	return edge.SetRules(ctx, notifications())
}

// notifications returns the event rules.
func notifications() []*eventv1.EventRule {
	rule := func(name, event, condition, target, message string, by ...string) *eventv1.EventRule {
		return &eventv1.EventRule{
			Name: "school-" + name, Type: event, Condition: condition, Message: message,
			Notify: []*eventv1.Notify{{Targets: []string{target}, By: by}},
		}
	}
	const (
		student = "@{{.data.student}}"
		parents = "@@parents-of-{{.data.student}}"
		account = "@{{.data.account}}"
	)
	// A decision that is requested is an incident of its own, until it is made or no longer needed.
	waiting := func(r *eventv1.EventRule) *eventv1.EventRule {
		r.Key = "outing {{.data.outingId}} {{.data.account}}"
		if r.GetType() == "school.outing.decision_made" {
			r.Status = "resolved"
			return r
		}
		r.Link, r.Escalation = "{{.data.url}}", outingWaiting
		return r
	}
	decided := rule("outing-decided", "school.outing.decision_made", "", account, "외출 결정이 끝났습니다: {{.data.summary}}", "inbox")
	decided.Notify[0].Targets = append(decided.Notify[0].Targets, "@@"+headTeachers) // who are notified if the outing was escalated to them
	return []*eventv1.EventRule{
		rule("password-reset", "school.auth.password_reset_requested", "", "@{{.data.id}}", "비밀번호를 다시 정하는 코드: {{.data.code}} (15분 동안 한 번 쓸 수 있습니다)", "email"),
		waiting(rule("outing-parent", "school.outing.decision_requested", `data.role == "parent"`, account, "외출을 허락해 주세요: {{.data.summary}}", "twilio", "email")),
		waiting(rule("outing-teacher", "school.outing.decision_requested", `data.role == "teacher"`, account, "외출 승인을 기다립니다: {{.data.summary}}", "inbox")),
		waiting(decided),
		rule("outing-emergency", "school.outing.requested", `data.state == "parent_approved"`, parents, "자녀가 외출을 신청했습니다: {{.data.summary}}", "twilio", "email"),
		rule("outing-parent-approved", "school.outing.parent_approved", "", student, "보호자가 외출을 허락했습니다. 선생님의 승인을 기다립니다.", "inbox"),
		rule("outing-parent-refused", "school.outing.parent_refused", "", student, "보호자가 외출을 허락하지 않았습니다. {{.data.comment}}", "inbox"),
		rule("outing-approved", "school.outing.approved", "", student, "외출이 승인되었습니다. 나갈 때 정문에서 외출증을 보여 주세요.", "inbox"),
		rule("outing-teacher-refused", "school.outing.teacher_refused", "", student, "외출이 승인되지 않았습니다. {{.data.comment}}", "inbox"),
		rule("outing-started", "school.outing.started", "", parents, "자녀가 외출했습니다: {{.data.summary}}", "twilio", "email"),
		rule("outing-late", "school.outing.returned", "has(data.late) && data.late", parents, "자녀가 늦게 돌아왔습니다: {{.data.summary}}", "twilio", "email"),
		rule("outing-expired", "school.outing.expired", "", student, "외출 신청이 결정되지 않은 채 시간이 지났습니다.", "inbox"),
		rule("announcement", "school.announcement.published", "", "{{range .data.groups}}@@{{.}} {{end}}", "[{{.data.writerName}}] {{.data.title}}", "inbox"),
		rule("recruitment", "school.club.recruitment_opened", "", "{{range .data.grades}}@@grade-{{.}} {{end}}", "{{.data.clubName}} 부원 모집: {{.data.concept}}", "inbox"),
	}
}
