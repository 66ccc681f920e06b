package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// rule returns a rule with the values that it must have.
func rule(name string) event.Rule {
	return event.Rule{Name: name, Type: "order.*", Message: "{{.id}}", Notify: []event.Notify{{Targets: []string{"@kim"}}}, UpdateTime: now}
}

// fullRule returns a rule with all values.
func fullRule(name string) event.Rule {
	r := rule(name)
	r.Condition, r.Title, r.Link, r.Severity = `data.total > 10 && id != ""`, "주문 {{.id}}", "https://shop.example.com/{{.id}}", "high"
	r.Key, r.Status, r.Escalation, r.RepeatFields = "order {{.id}}", "{{.data.status}}", "night", []string{"title", "details.total"}
	r.Notify = []event.Notify{
		{Targets: []string{"@{{.data.buyer}}", "@@owners"}, By: []string{"inbox", "sns"}, Message: "yours"},
		{Targets: []string{"@all"}},
	}
	r.Batch = &event.BatchSpec{Count: 10, Within: 30 * time.Second, Message: "{{.count}}"}
	r.Disabled, r.TTL = true, 90*time.Minute
	return r
}

func testRules(t *testing.T, s event.Store) {
	ctx := t.Context()
	full := fullRule("a")
	var err error
	full.Revision, err = s.AddRule(ctx, full)
	kittest.NoError(t, err)
	plain := rule("b")
	plain.Revision, err = s.AddRule(ctx, plain)
	kittest.NoError(t, err)
	_, err = s.AddRule(ctx, rule("a"))
	kittest.Error(t, err, fault.ErrExists, `"a"`)

	for _, want := range []event.Rule{full, plain} {
		got, err := s.Rule(ctx, want.Name)
		kittest.NoError(t, err)
		kittest.Equal(t, got, want)
	}
	for _, name := range []string{"c", "A", ""} {
		_, err = s.Rule(ctx, name)
		kittest.Error(t, err, fault.ErrNotFound, "not found")
		_, err = s.SetRule(ctx, rule(name))
		kittest.Error(t, err, fault.ErrNotFound, "not found")
		kittest.Error(t, s.DeleteRule(ctx, name), fault.ErrNotFound, "not found")
	}

	changed := rule("a")
	changed.UpdateTime = now.Add(time.Hour)
	changed.Revision, err = s.SetRule(ctx, changed)
	kittest.NoError(t, err)
	got, err := s.Rule(ctx, "a")
	kittest.NoError(t, err)
	kittest.Equal(t, got, changed)
	kittest.NoError(t, s.DeleteRule(ctx, "a"))
	_, err = s.Rule(ctx, "a")
	kittest.Error(t, err, fault.ErrNotFound, "not found")
	all, _, err := s.AllRules(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, all, []event.Rule{plain})
}

func testRulePages(t *testing.T, s event.Store) {
	ctx := t.Context()
	for _, i := range []int{3, 6, 0, 1, 5, 4, 2} {
		_, err := s.AddRule(ctx, rule(fmt.Sprintf("r%d", i)))
		kittest.NoError(t, err)
	}
	for _, page := range []struct {
		after string
		limit int
		names string
	}{{"", 10, "r0 r1 r2 r3 r4 r5 r6"}, {"", 3, "r0 r1 r2"}, {"r2", 3, "r3 r4 r5"}, {"r4", 3, "r5 r6"}, {"r20", 1, "r3"}, {"r6", 3, ""}} {
		got, err := s.Rules(ctx, page.after, page.limit)
		kittest.NoError(t, err)
		var names []string
		for _, r := range got {
			names = append(names, r.Name)
		}
		kittest.Equal(t, strings.Join(names, " "), page.names)
	}
}

func testRuleRevisions(t *testing.T, s event.Store) {
	ctx := t.Context()
	revision := func() int64 {
		n, err := s.RuleRevision(ctx)
		kittest.NoError(t, err)
		_, same, err := s.AllRules(ctx)
		kittest.NoError(t, err)
		kittest.Equal(t, same, n)
		return n
	}
	kittest.Equal(t, revision(), int64(0))
	first, err := s.AddRule(ctx, rule("a"))
	kittest.NoError(t, err)
	kittest.Equal(t, revision(), first)
	other, err := s.AddRule(ctx, rule("b"))
	kittest.NoError(t, err)
	if other <= first {
		t.Errorf("revision %d after %d", other, first)
	}

	r := rule("a")
	r.Revision = other // of another rule
	_, err = s.SetRule(ctx, r)
	kittest.Error(t, err, fault.ErrConflict, `"a"`, fmt.Sprint(first))
	kittest.Equal(t, revision(), other)
	r.Revision = first
	second, err := s.SetRule(ctx, r)
	kittest.NoError(t, err)
	_, err = s.SetRule(ctx, r)
	kittest.Error(t, err, fault.ErrConflict, fmt.Sprint(second))
	kittest.NoError(t, s.DeleteRule(ctx, "a"))
	if after := revision(); after <= second {
		t.Errorf("revision %d after %d", after, second)
	}
	again, err := s.AddRule(ctx, rule("a"))
	kittest.NoError(t, err)
	if again <= second {
		t.Errorf("a rule of an older name has revision %d after %d", again, second)
	}
}

func testRuleChangesAtOnce(t *testing.T, s event.Store) {
	ctx := t.Context()
	first, err := s.AddRule(ctx, rule("a"))
	kittest.NoError(t, err)
	won := 0
	for _, err := range kittest.Concurrently(8, func(int) error {
		r := rule("a")
		r.Revision = first
		_, err := s.SetRule(ctx, r)
		return err
	}) {
		if err == nil {
			won++
		} else {
			kittest.Error(t, err, fault.ErrConflict)
		}
	}
	kittest.Equal(t, won, 1)
	revisions := make([]int64, 8)
	for _, err := range kittest.Concurrently(len(revisions), func(i int) (err error) {
		revisions[i], err = s.AddRule(ctx, rule(fmt.Sprintf("n%d", i)))
		return err
	}) {
		kittest.NoError(t, err)
	}
	seen := map[int64]bool{}
	for _, n := range revisions {
		if seen[n] {
			t.Errorf("revision %d twice", n)
		}
		seen[n] = true
	}
}

func testInvalidRules(t *testing.T, s event.Store) {
	ctx := t.Context()
	for field, change := range map[string]func(*event.Rule){
		"id":      func(r *event.Rule) { r.Name = strings.Repeat("a", 101) },
		"type":    func(r *event.Rule) { r.Type = "" },
		"message": func(r *event.Rule) { r.Message = "a\x00b" },
		"title":   func(r *event.Rule) { r.Title = "\xff" },
	} {
		r := rule("a")
		change(&r)
		_, err := s.AddRule(ctx, r)
		kittest.Error(t, err, fault.ErrInvalid, field)
	}
	all, revision, err := s.AllRules(ctx)
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 0)
	kittest.Equal(t, revision, int64(0))
}
