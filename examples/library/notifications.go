package main

import (
	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
)

// notifications returns the event rules by which Bongsu notifies customers. Links lead to MyPage
// below a URL.
func notifications(publicURL string) []*eventv1.EventRule {
	rule := func(name, event, condition, message string, by ...string) *eventv1.EventRule {
		return &eventv1.EventRule{
			Name: "library-" + name, Type: event, Condition: condition,
			Message: message, Link: publicURL + "/mypage/{{.subject}}",
			Notify: []*eventv1.Notify{{Targets: []string{"@{{.data.customer}}"}, By: by}},
		}
	}
	const waited = "has(data.waited) && data.waited"
	return []*eventv1.EventRule{
		rule("reservation-confirmed", "library.product.held", "!("+waited+")", "Your reservation is confirmed: {{.data.title}} is held for you.", "inbox"),
		rule("back-in-stock", "library.product.held", waited, "Back in stock: {{.data.title}} is held for you.", "inbox", "twilio"),
		rule("delivery-started", "library.delivery.started", "", "Your delivery has started: {{.data.title}}.", "inbox", "twilio"),
		rule("reservation-canceled", "library.reservation.canceled", "", "Your reservation is canceled.", "inbox"),
	}
}
