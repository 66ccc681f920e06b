package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/testsize"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testAdd(t *testing.T, l alert.Ledger) {
	ctx := t.Context()
	ds := to(3)
	ds[1].Messenger, ds[1].SealedCredential, ds[2].Destination = "sms", nil, ""
	a := alert.Alert{
		Targets: []string{"@user1", "@@팀", "@x"}, Unknown: []string{"@x"},
		Severity: "높음 <b>", Message: "node1 down\n'; DROP TABLE alerts; -- {{.}} $1 ?", CreateTime: start, ExpireTime: at(3600),
		Title: "노드 <1>", Link: "https://example.com/?a=1&b=2", Details: []job.Detail{{Name: "host", Value: "node1\n\"2\""}, {Name: "", Value: ""}},
		Texts: map[string]string{"sms": "node1"},
	}
	again, err := l.AddAlert(ctx, &a, ds, never)
	must(t, err)
	same(t, again, false)
	if a.ID <= 0 || ds[0].ID <= 0 || ds[0].ID >= ds[1].ID || ds[1].ID >= ds[2].ID {
		t.Fatalf("ids are %d and %v, want some greater than 0, in order", a.ID, ids(ds))
	}

	got, kept, err := l.Alert(ctx, a.ID)
	must(t, err)
	a.Counts = counts(3)
	same(t, got, a)
	same(t, len(kept), 3)
	for i := range kept {
		same(t, string(kept[i].SealedCredential), string(ds[i].SealedCredential))
		kept[i].SealedCredential = ds[i].SealedCredential
	}
	same(t, kept, ds)

	b := add(t, l, "normal", to(1), never)
	if b.ID <= a.ID {
		t.Errorf("id %d after %d, want a greater one", b.ID, a.ID)
	}
	_, _, err = l.Alert(ctx, 99)
	is(t, err, fault.ErrNotFound, "alert 99")
	_, _, err = l.Alert(ctx, ds[0].ID)
	is(t, err, fault.ErrNotFound)
}

func testAddNobody(t *testing.T, l alert.Ledger) {
	a := add(t, l, "normal", nil, never)
	got, ds, err := l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts.Total(), 0)
	same(t, len(ds), 0)
	all, err := l.Alerts(t.Context(), alert.Query{Limit: 10})
	must(t, err)
	same(t, len(all), 1)
}

func testAddEnded(t *testing.T, l alert.Ledger) {
	ds := to(2)
	ds[1].State, ds[1].Reason, ds[1].EndTime = alert.Failed, "unknown_messenger", at(1)
	a := add(t, l, "normal", ds, at(10))
	kept := deliveries(t, l, a.ID)
	same(t, kept[1], ds[1])
	jobs, err := l.Due(t.Context(), at(20), at(30), 0, 10, 5)
	must(t, err)
	same(t, len(jobs), 1)
	same(t, len(jobs[0].Deliveries), 1)
	same(t, len(claim(t, l, ids(ds), 20, 30)), 1)
}

func testAddInput(t *testing.T, l alert.Ledger) {
	good := to(1)[0]
	for name, bad := range map[string]struct {
		a alert.Alert
		d alert.Delivery
	}{
		"NUL in the message":             {a: alert.Alert{Message: "a\x00b"}, d: good},
		"NUL in the key":                 {a: alert.Alert{Key: "a\x00b"}, d: good},
		"not UTF-8 in a target":          {a: alert.Alert{Targets: []string{"\xff"}}, d: good},
		"NUL in the key of a credential": {d: alert.Delivery{CredentialKey: "\x00", State: alert.Queued}},
		"NUL in the nickname":            {d: alert.Delivery{Nickname: "\x00", State: alert.Queued}},
		"no state":                       {d: alert.Delivery{}},
		"claimed":                        {d: alert.Delivery{State: alert.Claimed}},
		"another state":                  {d: alert.Delivery{State: alert.Canceled + 1, EndTime: start}},
		"ended without a time":           {d: alert.Delivery{State: alert.Sent}},
		"queued with an end time":        {d: alert.Delivery{State: alert.Queued, EndTime: start}},
	} {
		t.Run(name, func(t *testing.T) {
			bad.a.ExpireTime = expiry
			is(t, second(l.AddAlert(t.Context(), &bad.a, []alert.Delivery{good, bad.d}, never)), fault.ErrInvalid)
			same(t, bad.a.ID, int64(0))
		})
	}
	is(t, second(l.AddAlert(t.Context(), &alert.Alert{}, []alert.Delivery{good}, never)), fault.ErrInvalid, "expire time")
	all, err := l.Alerts(t.Context(), alert.Query{Limit: 10})
	must(t, err)
	same(t, len(all), 0)
}

func testAddAtOnce(t *testing.T, l alert.Ledger) {
	const many = 100
	var all [many]alert.Alert
	var lists [many][]alert.Delivery
	for i, err := range atOnce(many, func(i int) error {
		all[i] = alert.Alert{Targets: []string{"@all"}, Severity: "normal", Message: fmt.Sprint(i), CreateTime: start, ExpireTime: expiry}
		lists[i] = to(i % 5)
		if i%10 == 9 {
			all[i].Message = "\x00" // invalid, and must fail alone
		}
		return second(l.AddAlert(t.Context(), &all[i], lists[i], never))
	}) {
		if i%10 == 9 {
			is(t, err, fault.ErrInvalid)
		} else {
			must(t, err)
		}
	}
	seen := map[int64]bool{0: true}
	for i, a := range all {
		if i%10 == 9 {
			continue
		}
		got, ds, err := l.Alert(t.Context(), a.ID)
		must(t, err)
		same(t, got.Message, fmt.Sprint(i))
		same(t, ids(ds), ids(lists[i]))
		for _, id := range append(ids(ds), a.ID) {
			if seen[id] {
				t.Errorf("id %d was assigned twice", id)
			}
			seen[id] = true
		}
	}
}

func testAddCanceled(t *testing.T, l alert.Ledger) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := alert.Alert{Severity: "normal", Message: "x", CreateTime: start, ExpireTime: expiry}
	if _, err := l.AddAlert(ctx, &a, to(1), never); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want the error of the context", err)
	}
	same(t, a.ID, int64(0))
	add(t, l, "normal", to(1), never)
}

func testAddMany(t *testing.T, l alert.Ledger) {
	if testing.Short() {
		t.Skip("many rows take long under the race detector")
	}
	many := testsize.Pick(10_000, 100_000)
	ds := to(many)
	a := add(t, l, "normal", ds, never)
	got, kept, err := l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts, counts(many))
	same(t, kept, ds)
}

func testAlerts(t *testing.T, l alert.Ledger) {
	ctx := t.Context()
	none, err := l.Alerts(ctx, alert.Query{Limit: 10})
	must(t, err)
	same(t, len(none), 0)

	one := to(3)
	first := add(t, l, "high", one, never)
	claims := claim(t, l, ids(one), 0, 10)
	report(t, l, sent(claims[0], 1), failed(claims[1], 1))
	first.Counts = counts(0, 1, 1, 1)

	second := alert.Alert{Targets: []string{"@user9"}, Severity: "normal", Message: "two", CreateTime: at(60), ExpireTime: expiry}
	two := to(1)
	two[0].Nickname = "user9"
	_, err = l.AddAlert(ctx, &second, two, never)
	must(t, err)
	second.Counts = counts(1)

	third := alert.Alert{Targets: []string{"@nobody"}, Unknown: []string{"@nobody"}, Severity: "High", Message: "three", CreateTime: at(120), ExpireTime: expiry}
	_, err = l.AddAlert(ctx, &third, nil, never)
	must(t, err)

	for name, want := range map[string]struct {
		q     alert.Query
		found []alert.Alert
	}{
		"all":               {alert.Query{}, []alert.Alert{third, second, first}},
		"severity":          {alert.Query{Severity: "high"}, []alert.Alert{first}},
		"queued":            {alert.Query{State: alert.Queued}, []alert.Alert{second}},
		"claimed":           {alert.Query{State: alert.Claimed}, []alert.Alert{first}},
		"sent":              {alert.Query{State: alert.Sent}, []alert.Alert{first}},
		"failed":            {alert.Query{State: alert.Failed}, []alert.Alert{first}},
		"expired":           {alert.Query{State: alert.Expired}, nil},
		"nickname":          {alert.Query{Nickname: "user9"}, []alert.Alert{second}},
		"nickname, letter":  {alert.Query{Nickname: "User9"}, nil},
		"from":              {alert.Query{From: at(60)}, []alert.Alert{third, second}},
		"before a time":     {alert.Query{CreateBefore: at(60)}, []alert.Alert{first}},
		"between":           {alert.Query{From: at(1), CreateBefore: at(120)}, []alert.Alert{second}},
		"below an id":       {alert.Query{Before: second.ID}, []alert.Alert{first}},
		"all that is asked": {alert.Query{Severity: "high", Nickname: "user9"}, nil},
		"nickname, state":   {alert.Query{State: alert.Failed, Nickname: "user3"}, []alert.Alert{first}},
	} {
		t.Run(name, func(t *testing.T) {
			want.q.Limit = 10
			got, err := l.Alerts(ctx, want.q)
			must(t, err)
			same(t, len(got), len(want.found))
			for i := range min(len(got), len(want.found)) {
				same(t, got[i].ID, want.found[i].ID)
				same(t, got[i].Text(), want.found[i].Text())
				same(t, got[i].Targets, want.found[i].Targets)
				same(t, len(got[i].Unknown), len(want.found[i].Unknown))
				same(t, got[i].CreateTime, want.found[i].CreateTime)
				same(t, got[i].ExpireTime, want.found[i].ExpireTime)
				same(t, got[i].Counts, want.found[i].Counts)
			}
		})
	}
	_, err = l.Alerts(ctx, alert.Query{})
	is(t, err, fault.ErrInvalid, "limit")
}

func testAlertPages(t *testing.T, l alert.Ledger) {
	const many = 23
	for range many {
		add(t, l, "normal", to(2), never)
	}
	var before int64
	seen, pages := 0, 0
	for ; ; pages++ {
		page, err := l.Alerts(t.Context(), alert.Query{Before: before, Limit: 5})
		must(t, err)
		for _, a := range page {
			if before != 0 && a.ID >= before {
				t.Errorf("id %d after %d", a.ID, before)
			}
			before = a.ID
			same(t, a.Counts, counts(2))
			seen++
		}
		if len(page) < 5 {
			break
		}
	}
	same(t, []int{seen, pages}, []int{many, 4})
}
