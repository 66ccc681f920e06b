package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testAdd(t *testing.T, l alert.Ledger) {
	ctx := t.Context()
	ds := queuedDeliveries(3)
	ds[1].Messenger, ds[1].SealedCredential, ds[2].Destination = "sms", nil, ""
	a := alert.Alert{
		Targets: []string{"@user1", "@@팀", "@x"}, UnknownTargets: []string{"@x"},
		Severity: "높음 <b>", Message: "node1 down\n'; DROP TABLE alerts; -- {{.}} $1 ?", CreateTime: start, ExpireTime: at(3600),
		Title: "노드 <1>", Link: "https://example.com/?a=1&b=2", Details: []job.Detail{{Name: "host", Value: "node1\n\"2\""}, {Name: "", Value: ""}},
		Texts: map[string]string{"sms": "node1"},
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	recorded := a
	added, err := l.AddAlert(ctx, a, ds, never)
	kittest.NoError(t, err)
	kittest.Equal(t, added.Duplicate, false)
	a, ds, recorded.ID = added.Alert, added.Deliveries, added.Alert.ID
	kittest.Equal(t, a, recorded)
	if a.ID <= 0 || ds[0].ID <= 0 || ds[0].ID >= ds[1].ID || ds[1].ID >= ds[2].ID {
		t.Fatalf("ids are %d and %v, want some greater than 0, in order", a.ID, ids(ds))
	}

	got, kept, err := l.Alert(ctx, a.ID)
	kittest.NoError(t, err)
	a.Counts = counts(3)
	kittest.Equal(t, got, a)
	kittest.Equal(t, len(kept), 3)
	for i := range kept {
		kittest.Equal(t, string(kept[i].SealedCredential), string(ds[i].SealedCredential))
		kept[i].SealedCredential = ds[i].SealedCredential
	}
	kittest.Equal(t, kept, ds)

	b := addAlert(t, l, "normal", queuedDeliveries(1), never)
	if b.ID <= a.ID {
		t.Errorf("id %d after %d, want a greater one", b.ID, a.ID)
	}
	_, _, err = l.Alert(ctx, 99)
	kittest.Error(t, err, fault.ErrNotFound, "alert 99")
	_, _, err = l.Alert(ctx, ds[0].ID)
	kittest.Error(t, err, fault.ErrNotFound)
}

func testAddWithoutDeliveries(t *testing.T, l alert.Ledger) {
	a := addAlert(t, l, "normal", nil, never)
	got, ds, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts.Total(), 0)
	kittest.Equal(t, len(ds), 0)
	all, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 1)
}

func testAddCompleted(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	ds[1].State, ds[1].Reason, ds[1].EndTime = alert.Failed, "unknown_messenger", at(1)
	a := addAlert(t, l, "normal", ds, at(10))
	kept := deliveries(t, l, a.ID)
	kittest.Equal(t, kept[1], ds[1])
	jobs, err := l.TakeDue(t.Context(), at(20), at(30), 0, 10, 5)
	kittest.NoError(t, err)
	kittest.Equal(t, len(jobs), 1)
	kittest.Equal(t, len(jobs[0].Deliveries), 1)
	kittest.Equal(t, len(claim(t, l, ids(ds), 20, 30)), 1)
}

func testAddInput(t *testing.T, l alert.Ledger) {
	good := queuedDeliveries(1)[0]
	for name, bad := range map[string]struct {
		a alert.Alert
		d alert.Delivery
	}{
		"NUL in the message":             {a: alert.Alert{Message: "a\x00b"}, d: good},
		"NUL in the key":                 {a: alert.Alert{IdempotencyKey: "a\x00b"}, d: good},
		"not UTF-8 in a target":          {a: alert.Alert{Targets: []string{"\xff"}}, d: good},
		"NUL in the key of a credential": {d: alert.Delivery{CredentialFingerprint: "\x00", State: alert.Queued}},
		"NUL in the nickname":            {d: alert.Delivery{Nickname: "\x00", State: alert.Queued}},
		"no state":                       {d: alert.Delivery{}},
		"claimed":                        {d: alert.Delivery{State: alert.Claimed}},
		"another state":                  {d: alert.Delivery{State: alert.Canceled + 1, EndTime: start}},
		"ended without a time":           {d: alert.Delivery{State: alert.Sent}},
		"queued with an end time":        {d: alert.Delivery{State: alert.Queued, EndTime: start}},
	} {
		t.Run(name, func(t *testing.T) {
			bad.a.ExpireTime = expiry
			added, err := l.AddAlert(t.Context(), bad.a, []alert.Delivery{good, bad.d}, never)
			kittest.Error(t, err, fault.ErrInvalid)
			kittest.Equal(t, added, alert.Added{})
		})
	}
	kittest.Error(t, kittest.ErrorOf(l.AddAlert(t.Context(), alert.Alert{}, []alert.Delivery{good}, never)), fault.ErrInvalid, "expire time")
	all, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 0)
}

func testAddConcurrent(t *testing.T, l alert.Ledger) {
	const many = 100
	var all [many]alert.Alert
	var lists [many][]alert.Delivery
	for i, err := range kittest.Concurrently(many, func(i int) error {
		all[i] = alert.Alert{Targets: []string{"@all"}, Severity: "normal", Message: fmt.Sprint(i), CreateTime: start, ExpireTime: expiry}
		lists[i] = queuedDeliveries(i % 5)
		if i%10 == 9 {
			all[i].Message = "\x00" // invalid, and must fail alone
		}
		added, err := l.AddAlert(t.Context(), all[i], lists[i], never)
		all[i], lists[i] = added.Alert, added.Deliveries
		return err
	}) {
		if i%10 == 9 {
			kittest.Error(t, err, fault.ErrInvalid)
		} else {
			kittest.NoError(t, err)
		}
	}
	seen := map[int64]bool{0: true}
	for i, a := range all {
		if i%10 == 9 {
			continue
		}
		got, ds, err := l.Alert(t.Context(), a.ID)
		kittest.NoError(t, err)
		kittest.Equal(t, got.Message, fmt.Sprint(i))
		kittest.Equal(t, ids(ds), ids(lists[i]))
		for _, id := range append(ids(ds), a.ID) {
			if seen[id] {
				t.Errorf("id %d was assigned twice", id)
			}
			seen[id] = true
		}
	}
}

func testAddContextCanceled(t *testing.T, l alert.Ledger) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := alert.Alert{Severity: "normal", Message: "x", CreateTime: start, ExpireTime: expiry}
	added, err := l.AddAlert(ctx, a, queuedDeliveries(1), never)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want the error of the context", err)
	}
	kittest.Equal(t, added, alert.Added{})
	addAlert(t, l, "normal", queuedDeliveries(1), never)
}

func testAddMany(t *testing.T, l alert.Ledger) {
	if testing.Short() {
		t.Skip("many rows take long under the race detector")
	}
	many := testenv.Pick(10_000, 100_000)
	ds := queuedDeliveries(many)
	a := addAlert(t, l, "normal", ds, never)
	got, kept, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(many))
	kittest.Equal(t, kept, ds)
}

func testAlerts(t *testing.T, l alert.Ledger) {
	ctx := t.Context()
	none, err := l.Alerts(ctx, alert.AlertQuery{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, len(none), 0)

	one := queuedDeliveries(3)
	first := addAlert(t, l, "high", one, never)
	claims := claim(t, l, ids(one), 0, 10)
	report(t, l, successReport(claims[0], 1), failureReport(claims[1], 1))
	first.Counts = counts(0, 1, 1, 1)

	second := alert.Alert{Targets: []string{"@user9"}, Severity: "normal", Message: "two", CreateTime: at(60), ExpireTime: expiry}
	two := queuedDeliveries(1)
	two[0].Nickname = "user9"
	added, err := l.AddAlert(ctx, second, two, never)
	kittest.NoError(t, err)
	second = added.Alert
	second.Counts = counts(1)

	third := alert.Alert{Targets: []string{"@nobody"}, UnknownTargets: []string{"@nobody"}, Severity: "High", Message: "three", CreateTime: at(120), ExpireTime: expiry}
	added, err = l.AddAlert(ctx, third, nil, never)
	kittest.NoError(t, err)
	third = added.Alert

	for name, want := range map[string]struct {
		q     alert.AlertQuery
		found []alert.Alert
	}{
		"all":               {alert.AlertQuery{}, []alert.Alert{third, second, first}},
		"severity":          {alert.AlertQuery{Severity: "high"}, []alert.Alert{first}},
		"queued":            {alert.AlertQuery{State: alert.Queued}, []alert.Alert{second}},
		"claimed":           {alert.AlertQuery{State: alert.Claimed}, []alert.Alert{first}},
		"sent":              {alert.AlertQuery{State: alert.Sent}, []alert.Alert{first}},
		"failed":            {alert.AlertQuery{State: alert.Failed}, []alert.Alert{first}},
		"expired":           {alert.AlertQuery{State: alert.Expired}, nil},
		"nickname":          {alert.AlertQuery{Nickname: "user9"}, []alert.Alert{second}},
		"nickname, letter":  {alert.AlertQuery{Nickname: "User9"}, nil},
		"from":              {alert.AlertQuery{From: at(60)}, []alert.Alert{third, second}},
		"before a time":     {alert.AlertQuery{CreateBefore: at(60)}, []alert.Alert{first}},
		"between":           {alert.AlertQuery{From: at(1), CreateBefore: at(120)}, []alert.Alert{second}},
		"below an id":       {alert.AlertQuery{Before: second.ID}, []alert.Alert{first}},
		"all that is asked": {alert.AlertQuery{Severity: "high", Nickname: "user9"}, nil},
		"nickname, state":   {alert.AlertQuery{State: alert.Failed, Nickname: "user3"}, []alert.Alert{first}},
	} {
		t.Run(name, func(t *testing.T) {
			want.q.Limit = 10
			got, err := l.Alerts(ctx, want.q)
			kittest.NoError(t, err)
			kittest.Equal(t, len(got), len(want.found))
			for i := range min(len(got), len(want.found)) {
				kittest.Equal(t, got[i].ID, want.found[i].ID)
				kittest.Equal(t, got[i].Text(), want.found[i].Text())
				kittest.Equal(t, got[i].Targets, want.found[i].Targets)
				kittest.Equal(t, len(got[i].UnknownTargets), len(want.found[i].UnknownTargets))
				kittest.Equal(t, got[i].CreateTime, want.found[i].CreateTime)
				kittest.Equal(t, got[i].ExpireTime, want.found[i].ExpireTime)
				kittest.Equal(t, got[i].Counts, want.found[i].Counts)
			}
		})
	}
	_, err = l.Alerts(ctx, alert.AlertQuery{})
	kittest.Error(t, err, fault.ErrInvalid, "limit")
}

func testAlertPages(t *testing.T, l alert.Ledger) {
	const many = 23
	for range many {
		addAlert(t, l, "normal", queuedDeliveries(2), never)
	}
	var before int64
	seen, pages := 0, 0
	for ; ; pages++ {
		page, err := l.Alerts(t.Context(), alert.AlertQuery{Before: before, Limit: 5})
		kittest.NoError(t, err)
		for _, a := range page {
			if before != 0 && a.ID >= before {
				t.Errorf("id %d after %d", a.ID, before)
			}
			before = a.ID
			kittest.Equal(t, a.Counts, counts(2))
			seen++
		}
		if len(page) < 5 {
			break
		}
	}
	kittest.Equal(t, []int{seen, pages}, []int{many, 4})
}
