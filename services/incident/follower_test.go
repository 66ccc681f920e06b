package incident_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// firing is the alert of the changes of these tests.
func firing() *alertv1.Alert {
	return &alertv1.Alert{
		Id: "7", Key: "disk", Source: "grafana", Target: []string{"@kim"}, By: []string{"slack"}, Severity: "high", Title: "Disk", Message: "full",
		Link: "https://grafana.example", Escalation: "night", CreateTime: timestamppb.New(at(0)),
	}
}

// TestFollower checks that changes are applied, and that the next process goes on after them.
func TestFollower(t *testing.T) {
	inBubble(t, func(t *testing.T, p process) {
		stop := run(t, p.follower("a", false).Run)
		kittest.Equal(t, receive(t, p.service.listed), int64(0))
		p.service.feed <- []*jobv1.IncidentChange{wireChange(3, 7, jobv1.IncidentChangeKind_INCIDENT_CHANGE_KIND_OPENED, firing())}
		kittest.Equal(t, receive(t, p.service.listed), int64(3))
		i, err := p.store.Incident(t.Context(), 7)
		kittest.NoError(t, err)
		kittest.Equal(t, i, incident.Incident{ // an entry is that its policy is unknown
			ID: 7, Key: "\x1fdisk", State: incident.Firing, Severity: "high", Title: "Disk", Message: "full", Link: "https://grafana.example",
			Source: "grafana", Targets: []string{"@kim"}, By: []string{"slack"}, Escalation: "night", AlertCount: 1,
			OpenTime: at(0), UpdateTime: at(0), EntryCount: 2, LastChange: 3, Revision: 1,
		})
		stop() // releases the lease
		run(t, p.follower("b", false).Run)
		kittest.Equal(t, receive(t, p.service.listed), int64(3))
	})
}

// TestFollowerWaitsForLease checks that of two processes one follows, and that the other goes on
// once the lease of a process that was killed has ended.
func TestFollowerWaitsForLease(t *testing.T) {
	inBubble(t, func(t *testing.T, p process) {
		_, leased, err := p.store.Lease(t.Context(), "killed", at(0), at(4))
		kittest.NoError(t, err)
		kittest.Equal(t, leased, true)
		run(t, p.follower("a", false).Run)
		time.Sleep(4*time.Second - 1)
		none(t, p.service.listed, "it follows without the lease")
		time.Sleep(time.Second)
		kittest.Equal(t, receive(t, p.service.listed), int64(0))
	})
}

// TestFollowerAlone checks that a process that has its store alone needs not wait for the lease of
// one that was killed.
func TestFollowerAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, p process) {
		_, _, err := p.store.Lease(t.Context(), "killed", at(0), at(4))
		kittest.NoError(t, err)
		run(t, p.follower("a", true).Run)
		kittest.Equal(t, receive(t, p.service.listed), int64(0))
	})
}

// TestFollowerLosesLease checks that a process whose lease was taken applies nothing.
func TestFollowerLosesLease(t *testing.T) {
	inBubble(t, func(t *testing.T, p process) {
		run(t, p.follower("a", false).Run)
		receive(t, p.service.listed)
		_, leased, err := p.store.Lease(t.Context(), "b", at(1000), at(2000))
		kittest.NoError(t, err)
		kittest.Equal(t, leased, true)
		p.service.feed <- []*jobv1.IncidentChange{wireChange(3, 7, jobv1.IncidentChangeKind_INCIDENT_CHANGE_KIND_OPENED, firing())}
		time.Sleep(10 * time.Second)
		none(t, p.service.listed, "it follows without the lease")
		found, err := p.store.Page(t.Context(), incident.Query{Limit: 1})
		kittest.NoError(t, err)
		kittest.Equal(t, len(found), 0)
	})
}
