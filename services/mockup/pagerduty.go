package mockup

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

var pagerDutyKey = regexp.MustCompile(`^[A-Za-z0-9]*$`)

// pagerDuty accepts events as PagerDuty's Events API v2 does, with every key. A trigger with
// the dedup_key of an open incident is added to it; after a resolve it opens another one. The
// response to an event that changes no status has the header Mockup-Duplicate. An acknowledge
// and a resolve with a dedup_key of no incident are accepted and change nothing; the response
// has the header Mockup-Unknown-Key. PagerDuty sends neither header. An event larger than
// maxBody is rejected.
func (m *Mockup) pagerDuty(_ *http.Request, body []byte) response {
	if len(body) > maxBody {
		return jsonResponse(http.StatusRequestEntityTooLarge, pagerDutyReply{Status: "invalid event", Message: "Event object is too large"})
	}
	var event pagerDutyEvent
	if json.Unmarshal(body, &event) != nil {
		return jsonResponse(http.StatusBadRequest, pagerDutyReply{Status: "invalid event", Message: "Event object is not a valid JSON object"})
	}
	if errors := event.errors(); len(errors) > 0 {
		return jsonResponse(http.StatusBadRequest, pagerDutyReply{Status: "invalid event", Message: "Event object is invalid", Errors: errors})
	}
	if m.takeLimit("pagerduty "+event.RoutingKey, 120.0/60, 120) > 0 { // see internal/messenger/pagerduty
		return jsonResponse(http.StatusTooManyRequests, pagerDutyReply{
			Status:  "throttle exceeded",
			Message: "Requests for this service are arriving too quickly.  Please retry later.",
		})
	}
	if event.DedupKey == "" {
		event.DedupKey = strconv.FormatInt(m.uniqueMicros(), 16)
	}
	a := jsonResponse(http.StatusAccepted, pagerDutyReply{Status: "success", Message: "Event processed", DedupKey: event.DedupKey})
	before := m.pagerDutyIncident(event)
	if before.status == "" && event.Action != "trigger" {
		a.headers["Mockup-Unknown-Key"] = "true"
		return a
	}
	if before.after(event) == before {
		a.headers["Mockup-Duplicate"] = "true"
	}
	a.effect = func() { m.applyPagerDuty(event) }
	return a
}

// pagerDutyReply is a response of PagerDuty, with its fields in PagerDuty's order.
type pagerDutyReply struct {
	Status   string   `json:"status"`
	Message  string   `json:"message"`
	DedupKey string   `json:"dedup_key,omitempty"`
	Errors   []string `json:"errors,omitempty"`
}

type pagerDutyEvent struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	DedupKey   string `json:"dedup_key"`
	Payload    struct {
		Summary  string         `json:"summary"`
		Source   string         `json:"source"`
		Severity string         `json:"severity"`
		Details  map[string]any `json:"custom_details"`
	} `json:"payload"`
	Links []struct {
		Href string `json:"href"`
	} `json:"links"`
}

// errors returns the errors of an event, with PagerDuty's texts if they are known.
func (e pagerDutyEvent) errors() []string {
	var all []string
	wrong := func(is bool, text string) {
		if is {
			all = append(all, text)
		}
	}
	wrong(len(e.RoutingKey) != 32, "Length of 'routing_key' is incorrect (should be 32 characters)")
	wrong(!pagerDutyKey.MatchString(e.RoutingKey), "'routing_key' cannot contain non-alphanumeric characters.")
	wrong(!slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.Action), "'event_action' is not one of trigger, acknowledge, resolve")
	wrong(utf8.RuneCountInString(e.DedupKey) > 255, "'dedup_key' is too long (maximum is 255 characters)")
	if e.Action != "trigger" {
		return all
	}
	wrong(e.Payload.Summary == "", "'payload.summary' is missing or blank")
	wrong(utf8.RuneCountInString(e.Payload.Summary) > 1024, "'summary' is too long (maiximum is 1024 characters)")
	wrong(e.Payload.Source == "", "'payload.source' is missing or blank")
	wrong(!slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity), "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	for _, l := range e.Links {
		wrong(l.Href == "", "'links.href' is missing or blank")
	}
	return all
}
