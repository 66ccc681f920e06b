package faults

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// bound is the time in which all must be completed after the last kill, with a working
// provider. Most of it is due to ntfy, with slots five seconds apart: slots that killed
// senders had reserved are lost. Whether a single delivery waited too long is checked
// in wait_test.go.
const bound = 75 * time.Second

// A caseResult is the result of a case.
type caseResult struct {
	name                               string
	deliveries, lost, unmarked, marked int
	waited                             int           // deliveries that waited because of another's failure
	took                               time.Duration // from the first alert
	spared                             int           // costly deliveries that failed instead of being repeated
	known                              int           // calls that an idempotent provider deduplicated
}

// ended waits until every delivery of every alert is completed, and returns all alerts
// with their deliveries.
func (s *system) ended(t testing.TB) []*alertv1.GetAlertResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	for {
		ids, open, err := s.list(ctx)
		if err == nil && open == 0 {
			var all []*alertv1.GetAlertResponse
			for _, id := range ids {
				res, err := s.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
				if err != nil {
					t.Fatalf("GetAlert %s: %v", id, err)
				}
				all = append(all, res)
			}
			return all
		}
		wait(ctx, 50*time.Millisecond)
		if ctx.Err() != nil {
			t.Fatalf("%d deliveries are not completed after %s (%v)\n%s", open, bound, err, s.unended(t))
		}
	}
}

// list returns the ids of all alerts, and the number of their open deliveries.
func (s *system) list(ctx context.Context) (ids []string, open int, err error) {
	for token := ""; ; {
		page, err := s.alerts().ListAlerts(ctx, &alertv1.ListAlertsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return nil, 0, err
		}
		for _, a := range page.GetAlerts() {
			ids = append(ids, a.GetId())
			open += int(a.GetDeliveryCounts().GetQueued())
		}
		if token = page.GetNextPageToken(); token == "" {
			return ids, open, nil
		}
	}
}

// unended returns the open deliveries as text.
func (s *system) unended(t testing.TB) (shown string) {
	page, err := s.alerts().ListAlerts(t.Context(), &alertv1.ListAlertsRequest{State: alertv1.DeliveryState_DELIVERY_STATE_QUEUED, PageSize: 5})
	if err != nil {
		return err.Error()
	}
	for _, a := range page.GetAlerts() {
		res, err := s.alerts().GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: a.GetId()})
		shown += fmt.Sprintln(res, err)
	}
	return shown
}

// judge compares the accepted alerts, the ledger and the calls to the fake.
func (s *system) judge(t testing.TB, promised []*alertRequest) caseResult {
	t.Helper()
	r := caseResult{name: t.Name()}
	all, seen := s.ended(t), s.callsByDelivery(t)
	alerts := map[string]*alertv1.GetAlertResponse{}
	messages := map[string]string{}
	for _, a := range all {
		id, message := a.GetAlert().GetId(), a.GetAlert().GetMessage()
		alerts[id] = a
		if other, ok := messages[message]; ok {
			t.Errorf("%q was recorded as two alerts: %s and %s", message, other, id)
		}
		messages[message] = id
	}
	for _, p := range promised {
		if p.wrong != "" {
			t.Errorf("alert %s (%s) was repeated with its key, and the response was %s", p.id, p.message, p.wrong)
		}
		if a := alerts[p.id]; p.id != "" && (a == nil || len(a.GetDeliveries()) != p.count || a.GetAlert().GetMessage() != p.message) {
			r.lost += max(1, p.count-len(a.GetDeliveries()))
			t.Errorf("alert %s (%s) was accepted with %d deliveries, but the ledger holds %v", p.id, p.message, p.count, a)
		}
	}
	waits := s.waits(all, seen)
	for _, a := range all {
		counts := a.GetAlert().GetDeliveryCounts()
		if sum := counts.GetSent() + counts.GetFailed() + counts.GetExpired() + counts.GetCanceled(); int(sum) != len(a.GetDeliveries()) || sum != a.GetAlert().GetUserCount() {
			t.Errorf("%d deliveries, but the counts are %v", len(a.GetDeliveries()), counts)
		}
		for _, d := range a.GetDeliveries() {
			r.deliveries++
			text := "[" + a.GetAlert().GetSeverity() + "] " + a.GetAlert().GetMessage()
			key := callKey{d.GetDestination(), text}
			r.judge(t, a.GetAlert().GetSeverity(), d, seen[key])
			r.judgeWait(t, waits, a.GetAlert().GetCreateTime().AsTime(), d)
			delete(seen, key)
		}
	}
	for key, calls := range seen {
		t.Errorf("the fake received %d calls for %v, which is not in the ledger", len(calls), key)
	}
	return r
}

// judge compares one delivery with its calls.
func (r *caseResult) judge(t testing.TB, severity string, d *alertv1.Delivery, calls []*mockupv1.Call) {
	t.Helper()
	taken := slices.ContainsFunc(calls, tookIt)
	switch state := d.GetState(); {
	case state == alertv1.DeliveryState_DELIVERY_STATE_SENT:
		if !taken {
			r.lost++
			t.Errorf("Sent, but the fake accepted none of %v: %v", calls, d)
		}
	case state == alertv1.DeliveryState_DELIVERY_STATE_FAILED && spared(severity, d):
		r.spared++ // completed, with a reason
	default:
		r.lost++ // nothing else here fails a delivery, and all are completed
		t.Errorf("unexpected state: %v", d)
	}
	effects := 0 // calls that may have notified somebody
	before := -1 // the attempt of the previous call
	made := map[int]bool{}
	for _, call := range calls {
		at := attemptOf(d, call)
		if at < 0 || at == before {
			t.Errorf("the call at %s has no attempt of its own: %v", call.GetTime().AsTime(), d)
		}
		before, made[at] = at, true
		if call.GetAnswerStatus() != 0 && !tookIt(call) {
			continue // the provider rejected it
		}
		if effects++; effects == 1 {
			continue
		}
		if isCostly(severity, d) {
			t.Errorf("costly delivery repeated at %s: %v", call.GetTime().AsTime(), d)
		}
		if known(d, call) {
			r.known++
			continue
		}
		if at >= 0 && d.GetAttempts()[at].GetPossibleDuplicate() {
			r.marked++
		} else {
			r.unmarked++
			t.Errorf("the fake received a duplicate at %s, which is not marked: %v\n%v", call.GetTime().AsTime(), d, calls)
		}
	}
	judgeIDs(t, d, calls)
	for i, a := range d.GetAttempts() {
		if !made[i] && !leaseExpired(a) { // a killed sender may have called or not
			t.Errorf("attempt %d is recorded, but the fake received no call: %v", i+1, d)
		}
	}
}

// attemptOf returns the index of the attempt that made a call, the last that started
// before it, or -1.
func attemptOf(d *alertv1.Delivery, call *mockupv1.Call) int {
	found := -1
	for i, a := range d.GetAttempts() {
		if !a.GetStartTime().AsTime().After(call.GetTime().AsTime()) {
			found = i
		}
	}
	return found
}
