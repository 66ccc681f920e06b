package mockup

import (
	"net/http"
	"strconv"
	"time"
)

// maxIncidents is the maximum number of incidents that the fake of PagerDuty keeps; at the
// maximum all are deleted.
const maxIncidents = 100_000

// A pagerDutyIncident is an incident, with the fields of PagerDuty's REST API that tests need
// (https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents).
type pagerDutyIncident struct {
	ID        string    `json:"id"`
	Key       string    `json:"incident_key"` // the dedup_key
	Status    string    `json:"status"`       // triggered, acknowledged or resolved
	Title     string    `json:"title"`        // the summary of the first trigger
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Events    int       `json:"events"` // the number of its events, which PagerDuty does not show
}

// pagerDutyStatuses are the statuses of an incident after an event of each action.
var pagerDutyStatuses = map[string]string{"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}

// applyPagerDuty applies an event to the incident of its dedup_key, and reports whether there
// is one, and whether its status changed. A trigger opens an incident unless one is open, and
// leaves an acknowledged one as it is; a resolved incident accepts no other event.
func (m *Mockup) applyPagerDuty(e pagerDutyEvent) (known, changed bool) {
	now := m.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	key := e.RoutingKey + " " + e.DedupKey
	i := m.incidentOf[key]
	open := i != nil && i.Status != "resolved"
	switch {
	case e.Action == "trigger" && !open:
		if m.incidentOf == nil || len(m.incidents) >= maxIncidents {
			m.incidents, m.incidentOf = nil, map[string]*pagerDutyIncident{}
		}
		m.last = max(m.last+1, now.UnixMicro())
		i = &pagerDutyIncident{
			ID: "P" + strconv.FormatInt(m.last, 36), Key: e.DedupKey, Status: "triggered", Title: e.Payload.Summary,
			CreatedAt: now, UpdatedAt: now, Events: 1,
		}
		m.incidents, m.incidentOf[key] = append(m.incidents, i), i
		return true, true
	case i == nil:
		return false, false
	}
	i.Events++
	if e.Action == "trigger" || !open || i.Status == pagerDutyStatuses[e.Action] {
		return true, false
	}
	i.Status, i.UpdatedAt = pagerDutyStatuses[e.Action], now
	return true, true
}

// pagerDutyIncidents lists the incidents, the oldest first: all, or those of the query's
// incident_key, without pages.
func (m *Mockup) pagerDutyIncidents(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("incident_key")
	listed := []pagerDutyIncident{}
	m.mu.Lock()
	for _, i := range m.incidents {
		if key == "" || i.Key == key {
			listed = append(listed, *i)
		}
	}
	m.mu.Unlock()
	jsonResponse(http.StatusOK, struct {
		Incidents []pagerDutyIncident `json:"incidents"`
	}{listed}).write(w)
}
