package faults

import (
	"context"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/judge"
)

// bound is the time in which all must be completed after the last kill, with a working
// provider. Most of it is due to ntfy, with slots five seconds apart: slots that killed
// senders had reserved are lost. Whether a single delivery waited too long is checked
// in wait_test.go.
const bound = 75 * time.Second

// A caseResult is the result of a case.
type caseResult struct {
	judge.Tally
	name   string
	waited int           // deliveries that waited because of another's failure
	took   time.Duration // from the first alert
}

// ended waits until every delivery of every alert is completed, and returns all alerts
// with their deliveries.
func (s *system) ended(t testing.TB) []*alertv1.GetAlertResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	all, err := judge.Ended(ctx, s.alerts())
	if err != nil {
		t.Fatalf("after %s: %v", bound, err)
	}
	return all
}

// callsByDelivery returns the calls to the fakes by delivery, in the order of time.
func (s *system) callsByDelivery(t testing.TB) map[judge.CallKey][]*mockupv1.Call {
	t.Helper()
	res, err := s.fakes().ListCalls(t.Context(), &mockupv1.ListCallsRequest{})
	must(t, err)
	seen, err := judge.ByDelivery(res.GetCalls())
	must(t, err)
	return seen
}

// judge compares the accepted alerts, the ledger and the calls to the fake.
func (s *system) judge(t testing.TB, promised []*alertRequest) caseResult {
	t.Helper()
	r := caseResult{name: t.Name()}
	all, seen := s.ended(t), s.callsByDelivery(t)
	var promises []judge.Promise
	for _, p := range promised {
		promises = append(promises, judge.Promise{Message: p.message, ID: p.id, Count: p.count, Wrong: p.wrong})
	}
	r.Compare(t, promises, all, seen)
	waits := s.waits(all, seen)
	for _, a := range all {
		for _, d := range a.GetDeliveries() {
			r.judgeWait(t, waits, a.GetAlert().GetCreateTime().AsTime(), d)
		}
	}
	return r
}
