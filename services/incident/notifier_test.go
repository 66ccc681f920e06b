package incident_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// acknowledged opens an incident and acknowledges it, and returns the notice of that, without
// claiming it.
func (p process) acknowledged(t *testing.T, key string) {
	t.Helper()
	_, _, err := p.store.Lease(t.Context(), "test", at(0), at(1000))
	kittest.NoError(t, err)
	c := change(incident.ChangeOpened, "high", 1)
	c.Alert.Key = key
	kittest.NoError(t, p.store.Apply(t.Context(), "test", []incident.Change{c}))
	_, err = p.store.Modify(t.Context(), 1, incident.Acknowledge(incident.Action{By: "kim", Time: at(0)}))
	kittest.NoError(t, err)
}

// TestNotice checks the alert of a notice.
func TestNotice(t *testing.T) {
	for source, key := range map[string]string{"incident/caller": "disk", "incident/intake": "\x1fdisk"} {
		inBubble(t, func(t *testing.T, p process) {
			p.acknowledged(t, key)
			run(t, p.notifier().Run)
			got := receive(t, p.service.sent)
			want := &jobv1.SendAlertsRequest{Source: source, Once: true, Alerts: []*alertv1.SendAlertRequest{{
				Target: []string{"@user1"}, Severity: "high", Message: "full (by kim)", Key: "disk", Status: alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED,
				IdempotencyKey: "1/1",
			}}}
			if !proto.Equal(got, want) {
				t.Errorf("sent %v, want %v", got, want)
			}
			synctest.Wait()
			entries, err := p.store.Entries(t.Context(), 1, 10)
			kittest.NoError(t, err)
			kittest.Equal(t, entries[1].AlertID, int64(500))
		})
	}
}

// TestNoticeOfKilledProcess checks that the notice that a process had claimed when it was killed
// is sent once its claim has ended, by one of two.
func TestNoticeOfKilledProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, p process) {
		p.acknowledged(t, "disk")
		claimed, err := p.store.ClaimNotices(t.Context(), at(0), at(4), 10)
		kittest.NoError(t, err)
		kittest.Equal(t, len(claimed), 1)
		run(t, p.notifier().Run)
		run(t, p.notifier().Run)
		time.Sleep(4*time.Second - 1)
		none(t, p.service.sent, "it was sent while it was claimed")
		time.Sleep(time.Second)
		synctest.Wait()
		kittest.Equal(t, len(p.service.sent), 1)
		<-p.service.sent
		time.Sleep(time.Minute)
		none(t, p.service.sent, "it was sent twice")
	})
}

// TestNoticeIsRetried checks that a notice is sent until it is recorded, under the same key, and
// that a later one of its incident waits for it.
func TestNoticeIsRetried(t *testing.T) {
	inBubble(t, func(t *testing.T, p process) {
		var fails atomic.Bool
		fails.Store(true)
		p.service.answer = func() (*jobv1.SendAlertsResult, error) {
			if fails.Load() {
				return nil, fault.Unavailablef("away")
			}
			return &jobv1.SendAlertsResult{Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REPEATED, Id: "500"}, nil
		}
		p.acknowledged(t, "disk")
		_, err := p.store.Modify(t.Context(), 1, incident.Resolve(incident.Action{Time: at(0)}))
		kittest.NoError(t, err)
		run(t, p.notifier().Run)
		first := receive(t, p.service.sent).GetAlerts()[0]
		fails.Store(false)
		second := receive(t, p.service.sent).GetAlerts()[0]
		kittest.Equal(t, second.GetIdempotencyKey(), first.GetIdempotencyKey())
		last := receive(t, p.service.sent).GetAlerts()[0]
		kittest.Equal(t, fmt.Sprint(first.GetStatus(), last.GetStatus()), "ALERT_STATUS_ACKNOWLEDGED ALERT_STATUS_RESOLVED")
	})
}

// TestNoticeIsRefused checks that a notice that can never be recorded does not hold up later
// ones.
func TestNoticeIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, p process) {
		p.service.answer = func() (*jobv1.SendAlertsResult, error) {
			return &jobv1.SendAlertsResult{Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED, Field: "message", Message: "too long"}, nil
		}
		p.acknowledged(t, "disk")
		_, err := p.store.Modify(t.Context(), 1, incident.Resolve(incident.Action{Time: at(0)}))
		kittest.NoError(t, err)
		run(t, p.notifier().Run)
		kittest.Equal(t, receive(t, p.service.sent).GetAlerts()[0].GetStatus(), alertv1.AlertStatus_ALERT_STATUS_ACKNOWLEDGED)
		kittest.Equal(t, receive(t, p.service.sent).GetAlerts()[0].GetStatus(), alertv1.AlertStatus_ALERT_STATUS_RESOLVED)
	})
}
