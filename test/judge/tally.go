// Package judge compares the alerts that callers were promised with the ledger, and the
// ledger with the calls that the fakes of the providers received.
package judge

import (
	"slices"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// A T is the part of testing.TB that a judgement needs.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// A Promise is an alert as its caller saw it.
type Promise struct {
	Message string // no two alerts have the same
	ID      string // if accepted
	Count   int    // deliveries in the response
	Wrong   string // a different response to a repeated request
}

// A Tally counts what was found. Its methods report every violation of a guarantee to T, too.
type Tally struct {
	Deliveries, Lost, Unmarked, Marked int

	Spared int // costly deliveries that failed instead of being repeated
	Known  int // calls that an idempotent provider deduplicated
}

// Compare compares promises, all alerts of the ledger, whose deliveries must be completed, and
// all calls to the fakes.
func (r *Tally) Compare(t T, promised []Promise, all []*alertv1.GetAlertResponse, seen map[CallKey][]*mockupv1.Call) {
	t.Helper()
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
		if p.Wrong != "" {
			t.Errorf("alert %s (%s) was repeated with its key, and the response was %s", p.ID, p.Message, p.Wrong)
		}
		if a := alerts[p.ID]; p.ID != "" && (a == nil || len(a.GetDeliveries()) != p.Count || a.GetAlert().GetMessage() != p.Message) {
			r.Lost += max(1, p.Count-len(a.GetDeliveries()))
			t.Errorf("alert %s (%s) was accepted with %d deliveries, but the ledger holds %v", p.ID, p.Message, p.Count, a)
		}
	}
	r.CompareDeliveries(t, all, seen)
}

// CompareDeliveries compares all alerts of the ledger, whose deliveries must be completed, and all
// calls to the fakes. No two alerts to one user may have the same text.
func (r *Tally) CompareDeliveries(t T, all []*alertv1.GetAlertResponse, seen map[CallKey][]*mockupv1.Call) {
	t.Helper()
	recorded := map[CallKey]bool{}
	for _, a := range all {
		counts := a.GetAlert().GetDeliveryCounts()
		if sum := counts.GetSent() + counts.GetFailed() + counts.GetExpired() + counts.GetCanceled(); int(sum) != len(a.GetDeliveries()) || sum != a.GetAlert().GetUserCount() {
			t.Errorf("%d deliveries, but the counts are %v", len(a.GetDeliveries()), counts)
		}
		for _, d := range a.GetDeliveries() {
			key := KeyOf(a.GetAlert(), d)
			r.delivery(t, a.GetAlert().GetSeverity(), d, seen[key])
			recorded[key] = true
		}
	}
	for key, calls := range seen {
		if !recorded[key] {
			t.Errorf("the fake received %d calls for %v, which is not in the ledger", len(calls), key)
		}
	}
}

// delivery compares one delivery with its calls.
func (r *Tally) delivery(t T, severity string, d *alertv1.Delivery, calls []*mockupv1.Call) {
	t.Helper()
	r.Deliveries++
	taken := slices.ContainsFunc(calls, Accepted)
	switch state := d.GetState(); {
	case state == alertv1.DeliveryState_DELIVERY_STATE_SENT:
		if !taken {
			r.Lost++
			t.Errorf("Sent, but the fake accepted none of %v: %v", calls, d)
		}
	case state == alertv1.DeliveryState_DELIVERY_STATE_FAILED && Spared(severity, d):
		r.Spared++ // completed, with a reason
	default:
		r.Lost++ // nothing else here fails a delivery, and all are completed
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
		if call.GetAnswerStatus() != 0 && !Accepted(call) {
			continue // the provider rejected it
		}
		if effects++; effects == 1 {
			continue
		}
		if isCostly(severity, d) {
			t.Errorf("costly delivery repeated at %s: %v", call.GetTime().AsTime(), d)
		}
		if Deduplicated(d, call) {
			r.Known++
			continue
		}
		if at >= 0 && d.GetAttempts()[at].GetPossibleDuplicate() {
			r.Marked++
		} else {
			r.Unmarked++
			t.Errorf("the fake received a duplicate at %s, which is not marked: %v\n%v", call.GetTime().AsTime(), d, calls)
		}
	}
	judgeIDs(t, d, calls)
	for i, a := range d.GetAttempts() {
		if !made[i] && !LeaseExpired(a) { // a killed sender may have called or not
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
