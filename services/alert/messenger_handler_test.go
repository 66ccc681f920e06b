package alert_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// TestListPaces joins the state of limiter keys with the backlog of the ledger: a
// credential is listed for either, a destination for its limiter state only.
func TestListPaces(t *testing.T) {
	store, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() }) //nolint:errcheck // test cleanup
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	a := alert.Alert{Severity: "normal", Message: "m", CreateTime: now.Add(-time.Minute), ExpireTime: now.Add(time.Hour)}
	var ds []alert.Delivery
	for _, to := range [][3]string{{"slack", "aa", "C1"}, {"slack", "aa", "C2"}, {"slack", "aa", "C2"}, {"sms", "aa", "C2"}, {"slack", "", "C1"}} {
		ds = append(ds, alert.Delivery{Nickname: "kim", Messenger: to[0], CredentialFingerprint: to[1], Destination: to[2], State: alert.Queued})
	}
	added, err := store.AddAlert(t.Context(), a, ds, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: added.Deliveries[1].ID, Time: now.Add(time.Minute)}}, now); err != nil {
		t.Fatal(err)
	}

	c2, rest := messenger.DestinationKeyID("slack", "aa", "C2"), messenger.DestinationKeyID("slack", "bb", "C9")
	var reports []ratelimit.KeyReport
	h := &alert.MessengerHandler{LimiterKeys: func() []ratelimit.KeyReport { return reports }, Counter: store, Now: func() time.Time { return now }}
	type shown struct {
		key         string
		queued, due int32
		waits       bool // the backlog is a minute old
		paused      bool
	}
	list := func(req *messengerv1.ListPacesRequest) (all []shown, next string) {
		t.Helper()
		res, err := h.ListPaces(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range res.GetPaces() {
			all = append(all, shown{
				p.GetKey(), p.GetQueuedCount(), p.GetDueCount(),
				p.GetOldestCreateTime().AsTime().Equal(a.CreateTime), p.GetPausedUntilTime() != nil,
			})
		}
		return all, res.GetNextPageToken()
	}
	same := func(got, want []shown) {
		t.Helper()
		slices.SortFunc(want, func(a, b shown) int { return map[bool]int{true: -1, false: 1}[a.key < b.key] })
		if !slices.Equal(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	aa, unknown, sms := shown{"slack.credential.aa", 3, 2, true, false}, shown{"slack.credential.unknown", 1, 1, true, false}, shown{"sms.credential.aa", 1, 1, true, false}

	all, _ := list(&messengerv1.ListPacesRequest{})
	same(all, []shown{aa, unknown, sms})

	reports = []ratelimit.KeyReport{
		{Key: rest, NextSlot: now.Add(time.Second)},
		{Key: "slack.credential.aa", KeyStatus: ratelimit.KeyStatus{PausedUntil: now.Add(time.Minute)}},
		{Key: c2, NextSlot: now.Add(time.Second)},
	}
	aa.paused = true
	all, _ = list(&messengerv1.ListPacesRequest{Messenger: "slack"})
	want := []shown{aa, unknown, {key: c2, queued: 2, due: 1, waits: true}, {key: rest}}
	same(all, want)

	var paged []shown
	for token := ""; len(paged) < 9; {
		some, next := list(&messengerv1.ListPacesRequest{Messenger: "slack", PageSize: 3, PageToken: token})
		paged = append(paged, some...)
		if token = next; token == "" {
			break
		}
	}
	same(paged, want)
}
