package event

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// FuzzRule parses any rule and applies it to any event. A rule that is refused names its field;
// one that is accepted makes alerts within their limits, or fails with a reason, and always the
// same. A value of the event behind @ is never a group, nor all.
func FuzzRule(f *testing.F) {
	for _, r := range []struct{ pattern, condition, message, title, link, target, batch, data string }{
		{"order.*", "data.total > 10", "order {{.data.order}}", "{{.type}}", "https://x/{{.data.order}}", "@{{.data.buyer}}", "", `{"order": 1, "total": 10.50, "buyer": "kim"}`},
		{">", "", "{{range .data.items}}{{.name}} {{end}}", "", "", "{{range .data.items}}@{{.name}} {{end}}", "{{.count}}", `{"items": [{"name": "all"}, {"name": "@x"}]}`},
		{"a.>", "has(data.a) && data.a.exists(x, x == 1e3)", `{{default "none" (index .data "a-b")}}`, "{{.time}}", "{{.data.link}}", "{{.data.who}}", `{{join ", " .messages}}`, `{"a": [1e3, 12345678901234567890], "who": "@all", "link": "javascript:1"}`},
		{"*", "type.matches('^a+$')", "{{printf \"%9999s\" .id}}", "", "", "@@{{.data}}", "{{range .messages}}{{.}}{{end}}", `"night shift"`},
		{"order.created", "data == null", "x", "", "", "@kim", "", `null`},
		{"order.created", "[1,2,3].all(a, [1,2,3].all(b, a+b > 0))", "{{.data | len}}", "", "", "@{{\"all\"}}", "", `[[[[]]]]`},
	} {
		f.Add(r.pattern, r.condition, r.message, r.title, r.link, r.target, r.batch, r.data)
	}
	f.Fuzz(func(t *testing.T, pattern, condition, message, title, link, targets, batch, data string) {
		if len(condition) > 4000 { // the limit of the API
			return
		}
		r := Rule{
			Name: "r", Type: pattern, Condition: condition, Message: message, Title: title, Link: link, Severity: title,
			Notify: []Notify{{Targets: []string{targets, "@fixed"}}},
		}
		if batch != "" {
			r.Batch = &BatchSpec{Count: 3, Within: time.Second, Message: batch}
		}
		c, err := CompileRule(r)
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) || len(fault.Fields(err)) != 1 {
				t.Fatalf("error %v with fields %v", err, fault.Fields(err))
			}
			return
		}
		fields, err := fieldsOf(Event{ID: "e1", Source: "s", Type: "order.created", Subject: "o1", Data: []byte(data)})
		if err != nil {
			return
		}
		begin := time.Now()
		is, first := c.matches(fields)
		again, second := c.matches(fields)
		if is != again || (first == nil) != (second == nil) {
			t.Fatalf("condition is %t, %v and then %t, %v", is, first, again, second)
		}
		alerts, err := c.plan(fields)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("takes %s", took)
		}
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("error %v", err)
			}
			if reason := reasonOf(err.Error()); len(reason) > maxReason || !utf8.ValidString(reason) {
				t.Errorf("reason %q", reason)
			}
			return
		}
		for _, a := range alerts {
			checkPlanned(t, a, strings.HasPrefix(targets, "@{{"))
		}
		if r.Batch != nil {
			item := BatchItem{Severity: alerts[0].Severity, Title: alerts[0].Title, Message: cutText(alerts[0].Message, maxBatchMessage), Link: alerts[0].Link}
			for n := 1; n <= 3; n++ {
				a, _ := alertOfBatch(alerts[0], []BatchItem{item, item, item}[:n])
				checkPlanned(t, a, false)
			}
		}
	})
}

// checkPlanned checks the limits of an alert. user means that the first target is a user.
func checkPlanned(t *testing.T, a PlannedAlert, user bool) {
	t.Helper()
	if n := utf8.RuneCountInString(a.Message); n == 0 || n > maxMessage || !utf8.ValidString(a.Message) || strings.Contains(a.Message, "\x00") {
		t.Errorf("message of %d characters: %.100q", n, a.Message)
	}
	if utf8.RuneCountInString(a.Title) > maxTitle || utf8.RuneCountInString(a.Severity) > maxSeverity || len(a.Targets) > maxTargets {
		t.Errorf("beyond the limits: %+v", a)
	}
	if a.Link != "" && !linkForm.MatchString(a.Link) {
		t.Errorf("link %q", a.Link)
	}
	for i, text := range a.Targets {
		one, err := target.Parse(text)
		if err != nil {
			t.Errorf("target %q: %v", text, err)
		}
		if i == 0 && user && one.Kind != target.User && !strings.HasPrefix(text, "@@") {
			t.Errorf("target %q is not a user", text)
		}
	}
}
