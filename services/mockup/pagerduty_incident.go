package mockup

import "strconv"

// A pagerDutyIncident is the last incident of a dedup_key.
type pagerDutyIncident struct {
	number int    // of the incidents of the dedup_key, from 1
	status string // triggered, acknowledged or resolved, as in PagerDuty's REST API; empty for none
}

// after returns the incident after an event. A trigger opens one unless one is open, and leaves
// an acknowledged one as it is; a resolved one accepts no other event.
func (i pagerDutyIncident) after(e pagerDutyEvent) pagerDutyIncident {
	open := i.status == "triggered" || i.status == "acknowledged"
	switch {
	case e.Action == "trigger" && !open:
		return pagerDutyIncident{i.number + 1, "triggered"}
	case e.Action == "acknowledge" && open:
		i.status = "acknowledged"
	case e.Action == "resolve" && open:
		i.status = "resolved"
	}
	return i
}

// pagerDutyIncident returns the last incident of an event's dedup_key.
func (m *Mockup) pagerDutyIncident(e pagerDutyEvent) pagerDutyIncident {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.incidents[e.key()]
}

// key identifies the incidents of an event.
func (e pagerDutyEvent) key() string { return e.RoutingKey + " " + e.DedupKey }

// applyPagerDuty applies an event. An incident is a Message: its destination is the routing key,
// its id the dedup_key, with a number from the second incident on, its text that of the trigger,
// and its state the status. Every later event of an open incident is a change.
func (m *Mockup) applyPagerDuty(e pagerDutyEvent) {
	now := m.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.incidents[e.key()]
	incident := before.after(e)
	if m.incidents == nil || len(m.incidents) >= maxLimiters {
		m.incidents = map[string]pagerDutyIncident{}
	}
	m.incidents[e.key()] = incident
	id := e.DedupKey
	if incident.number > 1 {
		id += " " + strconv.Itoa(incident.number)
	}
	made := Message{
		Provider: "pagerduty", Destination: e.RoutingKey, ID: id, Text: validUTF8(e.Payload.Summary), State: incident.status, Owner: e.RoutingKey, Time: now, UpdateTime: now,
	}
	if incident.number > before.number {
		m.messages.add(&made)
	} else if stored, ok := m.messages.byID[made.key()]; ok && before.status != "resolved" {
		stored.State, stored.UpdateTime = incident.status, now
		stored.ChangeCount++
	}
}
