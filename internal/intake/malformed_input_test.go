package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/cloudevents"
)

// one returns the alert of a request with a single alert.
func one(t *testing.T, c Config, source, contentType, body string, more ...string) Alert {
	t.Helper()
	got, err := read(t, c, source, contentType, body, more...)
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %+v", err, got)
	}
	return got[0]
}

const plainJSON = "application/json"

// TestBadElements checks that malformed elements are refused alone.
func TestBadElements(t *testing.T) {
	const event = `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`
	for _, row := range []struct{ source, contentType, body, field string }{
		{"alertmanager", plainJSON, `{"alerts":[{"status":"firing"},"x",{"status":"resolved"}]}`, "alerts[1]"},
		{"alertmanager", plainJSON, `{"alerts":[{"status":"firing"},null,{"status":"resolved"}]}`, "alerts[1]"},
		{"grafana", plainJSON, `[{"status":"firing"},7,{}]`, "alerts[1]"},
		{"cloudevents", cloudevents.BatchType, "[" + event + `,{"specversion":"1.0"},` + event + "]", "events[1]"},
		{"cloudevents", cloudevents.BatchType, "[" + event + `,[],` + event + "]", "events[1]"},
	} {
		items, problem := readItems(t, ops, row.source, row.contentType, row.body)
		if problem != nil || len(items) != 3 {
			t.Fatalf("%s: %v, %+v", row.body, problem, items)
		}
		for i, item := range items {
			if bad := i == 1; (item.Problem != nil) != bad {
				t.Errorf("%s: item %d is %+v", row.body, i, item)
			}
		}
		if p := items[1].Problem; p != nil && (p.Field != row.field || p.Reason != UnreadableAlert || p.Message == "") {
			t.Errorf("%s: %+v", row.body, p)
		}
	}
}

// TestEveryAlertHasAMessage checks that every alert has a message, even with most fields missing.
func TestEveryAlertHasAMessage(t *testing.T) {
	for body, want := range map[string]string{
		`{"alerts":[{"annotations":{"summary":"a"}}],"title":"g"}`:                                          "a",
		`{"alerts":[{"labels":{"alertname":"NodeDown"}}],"title":"g"}`:                                      "NodeDown",
		`{"alerts":[{"labels":{"job":"node","zone":"1"}}]}`:                                                 "job=node, zone=1",
		`{"alerts":[{}],"title":"[FIRING:1] disk","message":"m"}`:                                           "[FIRING:1] disk\nm",
		`{"alerts":[{}],"message":"the disk is full"}`:                                                      "the disk is full",
		`{"alerts":[{"annotations":{"summary":" "}}],"commonAnnotations":{"summary":"c"}}`:                  "c",
		`{"alerts":[{}],"groupLabels":{"cluster":"seoul-1"}}`:                                               "cluster=seoul-1",
		`{"alerts":[{"status":"firing"}]}`:                                                                  "an alert without a text, from grafana",
		`{"alerts":[{"status":"resolved","labels":{"alertname":"x"}}]}`:                                     "resolved: x",
		`{"alerts":[{"status":"OK","labels":{"alertname":"x"}}]}`:                                           "resolved: x",
		`{"alerts":[{"labels":{"alertname":7}}]}`:                                                           "7",
		`{"title":"[Alerting] CPU","ruleId":1,"ruleName":"CPU","state":"alerting","message":"too hot"}`:     "too hot",
		`{"title":"[OK] CPU","ruleId":1,"ruleName":"CPU","state":"ok","tags":{"severity":"page"}}`:          "resolved: [OK] CPU",
		`[{"labels":{"alertname":"bare"}}]`:                                                                 "bare",
		`{"alerts":[{"labels":"x","annotations":[1],"status":{"state":"suppressed"}}],"title":"the group"}`: "the group",
		`{"alerts":[{"annotations":{"description":"long"},"labels":{"alertname":"x"}}]}`:                    "long",
		`{"alerts":[{"annotations":{"description":"long","summary":"short"},"labels":{"alertname":"x"}}]}`:  "short\nlong",
		"\xef\xbb\xbf" + `{"alerts":[{"annotations":{"summary":"a mark before it"}}]}`:                      "a mark before it",
		`{"alerts":[{"annotations":{"summary":"nul \u0000 and \ud800"}}]}`:                                  "nul  and \uFFFD",
	} {
		if got := one(t, ops, "grafana", plainJSON, body); got.Message != want {
			t.Errorf("%s: %q, want %q", body, got.Message, want)
		}
	}
}

// TestSuppressed checks that a status that Alertmanager's webhook does not have notifies,
// and is shown.
func TestSuppressed(t *testing.T) {
	for _, status := range []string{`"suppressed"`, `{"state":"suppressed"}`} {
		got := one(t, ops, "alertmanager", plainJSON, `{"alerts":[{"status":`+status+`,"fingerprint":"f","labels":{"alertname":"x"}}]}`)
		if got.Status != Firing || got.Message != "x" || len(got.Details) != 1 || got.Details[0] != (Detail{"status", "suppressed"}) {
			t.Errorf("%+v", got)
		}
	}
}

// TestMalformedTargets checks that malformed targets do not affect the others, and are
// reported.
func TestMalformedTargets(t *testing.T) {
	for label, want := range map[string]string{
		`ops`:                "[] [ops]",
		`@user1,ops`:         "[@user1] [ops]",
		`@user1, @user1,`:    "[@user1] []",
		` , `:                "[] []",
		`@all,@@ops,@`:       "[@all @@ops] [@]",
		"@user1\\n@user2":    "[@user1 @user2] []",
		`@user1 @@ops, @kim`: "[@user1 @@ops @kim] []",
		`https://x.org/@ops`: "[] [https://x.org/@ops]",
	} {
		got := one(t, ops, "alertmanager", plainJSON, `{"alerts":[{"labels":{"bongsu_target":"`+label+`"}}]}`)
		if slices.ContainsFunc(got.Targets, func(t string) bool { return strings.Contains(t, " ") }) {
			t.Errorf("%q: %q", label, got.Targets)
		}
		if s := fmt.Sprint(got.Targets, got.Malformed); s != want || len(got.Problems) != len(got.Malformed) {
			t.Errorf("%q: %s %v, want %s", label, s, got.Problems, want)
		}
	}
}

// TestLinks checks that a link is percent-encoded if that makes it valid, and that the next
// candidate is used otherwise.
func TestLinks(t *testing.T) {
	for link, want := range map[string]string{
		"https://a.example/x":               "https://a.example/x",
		" HTTPS://a.example/a b\\tc ":       "https://a.example/a%20b%09c",
		"https://a.example/?q=100%&r=%41%4": "https://a.example/?q=100%25&r=%41%254",
		"https://a.example/\\u007f":         "https://a.example/%7F",
		"javascript:alert(1)":               "http://next.example",
		"wiki/page":                         "http://next.example",
		"https://":                          "http://next.example",
		"http://[::1":                       "http://next.example",
		"https://a.example/" + strings.Repeat("x", maxLink): "http://next.example",
	} {
		got := one(t, ops, "alertmanager", plainJSON, `{"alerts":[{"annotations":{"runbook_url":"`+link+`"},"generatorURL":"http://next.example"}]}`)
		if got.Link != want {
			t.Errorf("%.40q: %.60q, want %q", link, got.Link, want)
		}
	}
}

// TestDetails checks that details without a name are dropped, and that long values and
// long lists are cut.
func TestDetails(t *testing.T) {
	var labels []string
	for i := range 30 {
		labels = append(labels, fmt.Sprintf(`"l%02d":"%d"`, i, i))
	}
	got := one(t, ops, "alertmanager", plainJSON, `{"alerts":[{"labels":{`+strings.Join(labels, ",")+`}}]}`).Details
	if len(got) != 20 || got[18] != (Detail{"l18", "18"}) || got[19].Name != "further" || !strings.HasPrefix(got[19].Value, "l19=19, l20=20") {
		t.Errorf("%v", got)
	}
	long := strings.Repeat("가", 3000)
	got = one(t, ops, "alertmanager", plainJSON, `{"alerts":[{"labels":{"":"x"," \n ":"y","`+long+`":"`+long+`","n":1e9}}]}`).Details
	if len(got) != 2 || got[0] != (Detail{"n", "1e9"}) || got[1] != (Detail{truncate(long, maxName), truncate(long, maxValue)}) {
		t.Errorf("%.80v", got)
	}
}

// TestTruncatedAlerts checks that alerts that Alertmanager omitted are reported.
func TestTruncatedAlerts(t *testing.T) {
	const alerts = `"alerts":[{"labels":{"bongsu_target":"@user1","severity":"low"}},{"labels":{"bongsu_target":"@user2","severity":"critical"}}]`
	for body, want := range map[string]string{
		`{"truncatedAlerts":3,` + alerts + `}`:                                          "[@user1 @user2] critical 3 more alerts of this group truncated: nobody is notified of them here. See Alertmanager.",
		`{"truncatedAlerts":1,` + alerts + `,"commonLabels":{"bongsu_target":"@@dba"}}`: "[@@dba] critical 1 more alert of this group truncated: nobody is notified of them here. See Alertmanager.",
		`{"truncatedAlerts":3,"alerts":[]}`:                                             "[]  3 more alerts of this group truncated: nobody is notified of them here. See Alertmanager.",
	} {
		got, err := read(t, Config{}, "alertmanager", plainJSON, body)
		if err != nil || len(got) == 0 {
			t.Fatal(err, got)
		}
		last := got[len(got)-1]
		if s := fmt.Sprint(last.Targets, " ", last.Severity, " ", last.Message); s != want {
			t.Errorf("%s:\n%s, want\n%s", body, s, want)
		}
	}
	if got := one(t, ops, "alertmanager", plainJSON, `{"truncatedAlerts":2}`); len(got.Problems) != 1 || got.Problems[0].Reason != Truncated {
		t.Errorf("%+v", got)
	}
	got, err := read(t, ops, "alertmanager", plainJSON, `{"truncatedAlerts":3,`+alerts+`}`)
	if err != nil || len(got) != 3 || got[2].Targets != nil {
		t.Errorf("it does not go to the default targets: %v, %v", err, got)
	}
}

// TestTwentyThousandAlerts checks that alerts beyond MaxAlerts are reported, not lost.
func TestTwentyThousandAlerts(t *testing.T) {
	body := `{"alerts":[` + strings.Repeat(`{},`, MaxAlerts+2) + `{}]}`
	items, problem := readItems(t, ops, "alertmanager", plainJSON, body)
	if problem != nil || len(items) != MaxAlerts+1 || !strings.HasPrefix(items[MaxAlerts].Alert.Message, "3 more alerts") {
		t.Fatalf("%v, %d items", problem, len(items))
	}
}

// TestKeyScope checks that sources never share a key, and that keys are unambiguous.
func TestKeyScope(t *testing.T) {
	seen := map[string]string{}
	for _, source := range []string{"alertmanager", "grafana", "a"} {
		for _, parts := range [][]string{{"a b", "c"}, {"a", "b c"}, {"a"}, {"a\x00b"}, {strings.Repeat("x", 300)}, {strings.Repeat("x", 301)}} {
			key := alertKeyOf(source, parts)
			if other, ok := seen[key]; ok || !strings.HasPrefix(key, source+":") || len(key) > maxKey {
				t.Errorf("%s %q has key %q, as %s", source, parts, key, other)
			}
			seen[key] = source + fmt.Sprint(parts)
		}
	}
	if key := alertKeyOf("a", []string{"", ""}); key != "" {
		t.Errorf("nothing has key %q", key)
	}
}
