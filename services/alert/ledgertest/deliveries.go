package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testDeliveries reads the deliveries of an alert page by page and compares them with all of them.
func testDeliveries(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(7)
	ds[1].Nickname, ds[4].Nickname, ds[3].Messenger = "kim", "kim", "sms"
	a := addAlert(t, l, "normal", ds, never)
	other := addAlert(t, l, "normal", queuedDeliveries(3), never)
	claims, err := l.Claim(t.Context(), []int64{ds[2].ID, ds[5].ID}, alert.Claimant{Sender: "s"}, at(1), at(60))
	kittest.NoError(t, err)
	reports := make([]dispatch.Report, 0, 2)
	for i, c := range claims {
		kind := []messenger.OutcomeKind{messenger.Sent, messenger.Failed}[i]
		reports = append(reports, dispatch.Report{DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: at(1), EndTime: at(2), Outcome: messenger.Outcome{Kind: kind, Code: "c"}})
	}
	_, err = l.Report(t.Context(), reports, at(2), func(alert.VerdictFacts, dispatch.Report) alert.Verdict {
		return alert.Verdict{State: alert.Failed, Reason: "c"}
	})
	kittest.NoError(t, err)

	whole, all, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	summary, err := l.Summary(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, summary, whole)

	var paged []alert.Delivery
	for after := int64(0); ; {
		page, err := l.Deliveries(t.Context(), alert.DeliveryQuery{AlertID: a.ID, After: after, Limit: 3})
		kittest.NoError(t, err)
		if paged = append(paged, page...); len(page) < 3 {
			break
		}
		after = page[2].ID
	}
	kittest.Equal(t, paged, all)

	for _, c := range []struct {
		q    alert.DeliveryQuery
		want []int
	}{
		{alert.DeliveryQuery{Nickname: "kim"}, []int{1, 4}},
		{alert.DeliveryQuery{Nickname: "kim", After: ds[1].ID}, []int{4}},
		{alert.DeliveryQuery{Messenger: "sms"}, []int{3}},
		{alert.DeliveryQuery{State: alert.Sent}, []int{2}},
		{alert.DeliveryQuery{State: alert.Failed}, []int{5}},
		{alert.DeliveryQuery{State: alert.Queued, Limit: 2}, []int{0, 1}},
		{alert.DeliveryQuery{State: alert.Queued, Nickname: "kim", After: ds[1].ID}, []int{4}},
		{alert.DeliveryQuery{State: alert.Held}, nil},
		{alert.DeliveryQuery{IDs: []int64{ds[6].ID, ds[0].ID, other.ID + 1}}, []int{0, 6}},
		{alert.DeliveryQuery{After: ds[6].ID}, nil},
	} {
		if c.q.AlertID = a.ID; c.q.Limit == 0 {
			c.q.Limit = 10
		}
		got, err := l.Deliveries(t.Context(), c.q)
		kittest.NoError(t, err)
		want := make([]alert.Delivery, 0, len(c.want))
		for _, i := range c.want {
			want = append(want, all[i])
		}
		kittest.Equal(t, append([]alert.Delivery{}, got...), want)
	}
	_, err = l.Deliveries(t.Context(), alert.DeliveryQuery{AlertID: 99, Limit: 1})
	kittest.Error(t, err, fault.ErrNotFound, "alert 99")
	_, err = l.Deliveries(t.Context(), alert.DeliveryQuery{AlertID: a.ID})
	kittest.Error(t, err, fault.ErrInvalid)
	_, err = l.Summary(t.Context(), 99)
	kittest.Error(t, err, fault.ErrNotFound, "alert 99")
}

// testVersions checks that each change of a delivery changes its version and the checksum of its
// alert, and no other.
func testVersions(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(3)
	a, other := addAlert(t, l, "normal", ds, never), addAlert(t, l, "normal", queuedDeliveries(2), never)
	look := func() ([]alert.DeliveryVersion, map[int64]uint64) {
		t.Helper()
		versions, err := l.Versions(t.Context(), a.ID)
		kittest.NoError(t, err)
		fingerprints, err := l.Checksums(t.Context(), []int64{a.ID, other.ID, 99})
		kittest.NoError(t, err)
		kittest.Equal(t, len(versions), 3)
		kittest.Equal(t, len(fingerprints), 2)
		return versions, fingerprints
	}
	before, prints := look()
	var claims []dispatch.Claim
	for _, step := range []struct {
		name  string
		do    func() error
		state alert.State
	}{
		{"defer", func() error {
			return l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[1].ID, Time: at(5)}}, at(1))
		}, alert.Queued},
		{"claim", func() (err error) {
			claims, err = l.Claim(t.Context(), []int64{ds[1].ID}, alert.Claimant{Sender: "s"}, at(6), at(60))
			return err
		}, alert.Claimed},
		{"report", func() error {
			_, err := l.Report(t.Context(), []dispatch.Report{{DeliveryID: ds[1].ID, Fence: claims[0].Fence, StartTime: at(6), EndTime: at(7), Outcome: messenger.Outcome{Kind: messenger.Sent, MessageID: "m"}}}, at(7), nil)
			return err
		}, alert.Sent},
		{"receipt", func() error {
			return l.RecordReceipt(t.Context(), ds[1].ID, alert.Receipt{MessageID: "m", Status: "delivered", Time: at(8), Final: true})
		}, alert.Sent},
	} {
		kittest.NoError(t, step.do())
		after, now := look()
		for i := range after {
			if changed := after[i].Checksum != before[i].Checksum; changed != (i == 1) {
				t.Errorf("%s: version %d changed: %v", step.name, i, changed)
			}
		}
		kittest.Equal(t, after[1].State, step.state)
		if now[a.ID] == prints[a.ID] || now[other.ID] != prints[other.ID] {
			t.Errorf("%s: the checksums were %v and are %v", step.name, prints, now)
		}
		before, prints = after, now
	}
	none, err := l.Versions(t.Context(), 99)
	kittest.NoError(t, err)
	kittest.Equal(t, len(none), 0)
}
