package faults

import (
	"fmt"
	"regexp"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/judge"
	"github.com/bongsu-project/bongsu/test/proc"
)

var (
	tooLate = regexp.MustCompile(`late outcome not recorded`)
	ranOut  = regexp.MustCompile(`delivery deferred: its lease would expire`)
)

// cutOffAndBack stops a sender past its lease, while it has calls in flight and holds
// deliveries without a call, lets another sender send them all, and resumes it: it
// makes none of those calls, and its reports change nothing.
func cutOffAndBack(t *testing.T) {
	t.Parallel()
	const workers = 64
	s := startSplit(t)
	s.behave(t, &mockupv1.Fault{Delay: durationpb.New(time.Second)})
	var all []*alertRequest
	for i := range 12 {
		all = append(all, &alertRequest{target: everyTeam, severity: "normal", message: fmt.Sprintf("node %d is down", i)})
	}
	s.send(t, all)
	s.serveSender(t, "stopped", s.alertURL, proc.Unpaced...)
	if !s.calls.reach(t.Context(), workers) {
		t.Fatal("the sender makes no calls")
	}
	called := map[judge.CallKey]bool{}
	var before []*alertv1.GetAlertResponse
	s.recordFault(func() {
		s.parts["stopped"].Signal(t, syscall.SIGSTOP)
		for key := range s.callsByDelivery(t) {
			called[key] = true
		}
		s.serveSender(t, "other", s.alertURL, proc.Unpaced...)
		before = s.ended(t)
		s.parts["stopped"].Signal(t, syscall.SIGCONT)
	})
	s.parts["stopped"].Await(t, tooLate, workers)
	s.parts["stopped"].Await(t, ranOut, 1)

	if err := s.parts["other"].Stop(t); err != nil {
		t.Error(err)
	}
	last := &alertRequest{target: `"@user1"`, severity: "low", message: "the stopped sender works again"}
	s.send(t, []*alertRequest{last})
	s.judge(t, append(all, last))
	seen := s.callsByDelivery(t)
	held := 0
	for _, a := range before {
		now, err := s.alerts().GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: a.GetAlert().GetId()})
		must(t, err)
		if !proto.Equal(a, now) {
			t.Errorf("the late reports changed\n%v to\n%v", a, now)
		}
		for _, d := range a.GetDeliveries() {
			key := judge.KeyOf(a.GetAlert(), d)
			want := 1
			if called[key] {
				want = 2
			} else if len(d.GetAttempts()) == 2 {
				held++
			}
			if got := len(seen[key]); got != want {
				t.Errorf("%d calls, want %d: %v", got, want, d)
			}
		}
	}
	if len(called) != workers || held == 0 {
		t.Errorf("the stopped sender had made %d calls and held %d more: the test covers nothing", len(called), held)
	}
}
