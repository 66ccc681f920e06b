package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/testenv"
)

// intakeConfig has default targets for some sources only.
const intakeConfig = `
alertmanager: {target: ['@user7']}
deploys: {target: ['@user8'], template: {message: '{{.reason}}', link: 'https://ci.example.com/{{.id}}', key: '{{.project}} {{.version}}'}}
`

// TestIntakeBatches sends the same payloads with problems to one process and to six:
// each alert has its own result, the same in both.
func TestIntakeBatches(t *testing.T) {
	config := filepath.Join(t.TempDir(), "intake.yaml")
	must(t, os.WriteFile(config, []byte(intakeConfig), 0o600))
	t.Run("one process", func(t *testing.T) { intakeBatches(t, oneProcess(t, "--intake-config="+config)) })
	t.Run("six processes", func(t *testing.T) { intakeBatches(t, sixProcesses(t, "--intake-config="+config)) })
}

// A batchCase is a payload with its expected results.
type batchCase struct {
	name, source, contentType, body string
	status                          int
	outcomes                        string
	texts                           []string // "user: text" of the calls
	log                             string   // part of a WARN line; empty for none
	metric                          string   // line of the metrics; empty for none
}

const (
	asJSON  = "application/json"
	asBatch = "application/cloudevents-batch+json"
)

func labeled(name, target, more string) string {
	return `{"status":"firing","fingerprint":"` + name + `","labels":{"alertname":"` + name + `","bongsu_target":"` + target + `"}` + more + `}`
}

var batchCases = []batchCase{
	{
		"one of three has a malformed target", "alertmanager", asJSON,
		`{"alerts":[` + labeled("a1", "@user1", "") + "," + labeled("a2", "ops", "") + "," + labeled("a3", "@user3", "") + "]}",
		200, "recorded recorded recorded", []string{"USER1: [normal] a1", "USER7: [normal] a2", "USER3: [normal] a3"},
		`"reason":"malformed_target"`, `bongsu_intake_problems_total{reason="malformed_target",source="alertmanager"} 1`,
	},
	{
		"the same again", "alertmanager", asJSON,
		`{"alerts":[` + labeled("a1", "@user1", "") + "," + labeled("a2", "ops", "") + "," + labeled("a3", "@user3", "") + "]}",
		200, "repeated repeated repeated", nil, "", `bongsu_intake_alerts_total{outcome="repeated",source="alertmanager"} 3`,
	},
	{
		"another value under the key", "alertmanager", asJSON,
		`{"alerts":[` + labeled("a1", "@user1", `,"annotations":{"summary":"95 %"}`) + "," + labeled("a1", "@user1", `,"annotations":{"summary":"99 %"}`) + "," + labeled("a1", "@user1", `,"annotations":{"summary":"95 %"}`) + "]}",
		200, "changed changed repeated", []string{"USER1: [normal] 95 %", "USER1: [normal] 99 %"}, "", `bongsu_intake_alerts_total{outcome="changed",source="alertmanager"} 2`,
	},
	{
		"an unknown target falls back to the default targets", "alertmanager", asJSON, `{"alerts":[` + labeled("b1", "@@nobody", "") + "]}",
		200, "recorded", []string{"USER7: [normal] b1"}, `"reason":"unknown_target"`, `bongsu_intake_problems_total{reason="unknown_target",source="alertmanager"} 1`,
	},
	{
		"an unknown target without default targets", "grafana", asJSON, `{"alerts":[` + labeled("b2", "@@nobody", "") + "]}",
		400, "alerts[0].target: unknown target @@nobody", nil, `"msg":"alert refused, nobody is notified","source":"grafana"`, `bongsu_intake_refusals_total{reason="unknown_target",source="grafana"} 1`,
	},
	{
		"only one of three can be recorded", "grafana", asJSON, `{"alerts":[` + labeled("b3", "@@nobody", "") + "," + labeled("b4", "@user4", "") + `,"x"]}`,
		200, "refused recorded refused", []string{"USER4: [normal] b4"}, `"reason":"unreadable_alert"`, `bongsu_intake_alerts_total{outcome="refused",source="grafana"} 3`,
	},
	{
		"values that SendAlert refuses", "alertmanager", asJSON,
		`{"alerts":[{"fingerprint":"c1","labels":{"":"x"," ":"y","alertname":"` + strings.Repeat("n", 300) + `","severity":"` + strings.Repeat("s", 40) + `","l":"` + strings.Repeat("v", 2000) + `"},` +
			`"annotations":{"summary":"a\u0000b","runbook_url":"https://runbooks.example.com/a b\n` + `"}},` +
			`{"fingerprint":"c2","labels":{"alertname":"x\u001by","n":1e9},"annotations":{"summary":" "},"generatorURL":"not a link"}]}`,
		200, "recorded recorded", []string{"USER7: [" + strings.Repeat("s", 30) + "] ab", "USER7: [normal] x\x1by"}, "", "",
	},
	{
		"alerts without text", "alertmanager", asJSON, `{"alerts":[{"fingerprint":"d1"}],"message":"the group","groupLabels":{"cluster":"seoul-1"}}`,
		200, "recorded", []string{"USER7: [normal] the group"}, "", "",
	},
	{
		"truncated alerts", "alertmanager", asJSON, `{"alerts":[` + labeled("e1", "@user5", "") + `],"truncatedAlerts":3}`,
		200, "recorded recorded", []string{"USER5: [normal] e1", "USER7: [normal] 3 more alerts"}, "", "",
	},
	{
		"a bad event in a batch", "cloudevents", asBatch,
		`[{"specversion":"1.0","id":"1","source":"/s","type":"t","bongsutarget":"@user6","data":null},{"specversion":"1.0"},{"specversion":"1.0","id":"2","source":"/s","type":"t","bongsutarget":["@user6"],"data_base64":"bm9kZTEgZG93bg=="}]`,
		200, "recorded refused recorded", []string{"USER6: [normal] t", "USER6: [normal] node1 down"}, `"field":"events[1]"`, `bongsu_intake_refusals_total{reason="unreadable_alert",source="cloudevents"} 1`,
	},
	{"ids of 19 digits", "deploys", asJSON, `{"id":1234567890123456789,"reason":"x","project":"api","version":1.10}`, 200, "recorded", []string{"USER8: [normal] x"}, "", ""},
	{"ids of 19 digits again", "deploys", asJSON, `{"id":1234567890123456788,"reason":"x","project":"api","version":1.10}`, 200, "changed", []string{"USER8: [normal] x"}, "", ""},
	{
		"a key of missing fields", "deploys", asJSON, `{"id":1,"reason":"y"}`, 200, "recorded", []string{"USER8: [normal] y"},
		`"reason":"missing_key_field"`, `bongsu_intake_problems_total{reason="missing_key_field",source="deploys"} 1`,
	},
	{"another key of missing fields", "deploys", asJSON, `{"id":2,"reason":"y"}`, 200, "recorded", []string{"USER8: [normal] y"}, "", ""},
	{"a body that is not UTF-8", "alertmanager", asJSON, "{\"alerts\":[{\"labels\":{\"alertname\":\"\xb0\xa1\"}}]}", 400, "not UTF-8", nil, `"msg":"intake request refused, nobody is notified","source":"alertmanager"`, `bongsu_intake_refusals_total{reason="unreadable_body",source="alertmanager"} 1`},
	{"a body in EUC-KR", "alertmanager", asJSON + "; charset=EUC-KR", "{\"alerts\":[{\"labels\":{\"alertname\":\"\xb0\xa1\"}}]}", 200, "recorded", []string{"USER7: [normal] 가"}, "", ""},
	{"an unknown source", "alertmanger", asJSON, `{}`, 404, "alertmanger", nil, `"reason":"unknown_source"`, `bongsu_intake_refusals_total{reason="unknown_source",source="unknown"} 1`},
}

func intakeBatches(t *testing.T, d deployment) {
	for _, c := range batchCases {
		t.Run(c.name, func(t *testing.T) { c.run(t, d) })
	}
	t.Run("a resolution has the severity of its firing alert", func(t *testing.T) {
		const alert = `{"fingerprint":"r1","status":"%s","labels":{"alertname":"r1","severity":"page"}}`
		res := received(t, d.intake(t, "alertmanager", asJSON, nil, `{"alerts":[`+fmt.Sprintf(alert, "firing")+","+fmt.Sprintf(alert, "resolved")+`]}`, http.StatusOK))
		for _, a := range res.Alerts {
			d.ended(t, a.ID)
			got, err := d.alerts().GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: a.ID})
			must(t, err)
			if got.GetAlert().GetSeverity() != "page" {
				t.Errorf("%v", got.GetAlert())
			}
		}
	})
	t.Run("callers cannot use the idempotency keys of a source", func(t *testing.T) {
		for _, key := range []string{"\x1falertmanager\x1fx", "a\x1f"} {
			_, err := d.alerts().SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@user1"}, Message: "m", IdempotencyKey: key})
			if connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("%q: %v", key, err)
			}
		}
	})
}

func (c batchCase) run(t *testing.T, d deployment) {
	logged, called := len(d.front.Log()), len(d.calls(t)) // the fakes keep their messages, which later ones change
	answer := d.intake(t, c.source, c.contentType, nil, c.body, c.status)
	if c.status != http.StatusOK {
		if !strings.Contains(string(answer), c.outcomes) {
			t.Errorf("%s, want %q", answer, c.outcomes)
		}
	} else {
		res := received(t, answer)
		if got := res.outcomes(); got != c.outcomes {
			t.Errorf("%s, want %q", answer, c.outcomes)
		}
		for _, a := range res.Alerts {
			if a.ID != "" {
				d.ended(t, a.ID)
			} else if a.Field == "" || a.Reason == "" {
				t.Errorf("%+v", a)
			}
		}
	}
	var got []string
	for _, call := range d.calls(t)[called:] {
		got = append(got, call.GetBody())
	}
	for _, want := range c.texts {
		user, text, _ := strings.Cut(want, ": ")
		at := slices.IndexFunc(got, func(body string) bool {
			return strings.Contains(body, `"`+user+`_CHANNEL_ID"`) && strings.Contains(body, quoted(text))
		})
		if at < 0 {
			t.Errorf("not sent %q: %q", want, got)
			continue
		}
		got = slices.Delete(got, at, at+1)
	}
	if len(got) > 0 {
		t.Errorf("sent too much: %q", got)
	}
	if log := d.front.Log()[logged:]; c.log != "" && (!strings.Contains(log, c.log) || !strings.Contains(log, "WARN")) {
		t.Errorf("the log lacks %q:\n%s", c.log, log)
	}
	if _, page := request(t, http.MethodGet, d.edge+"/metrics", ""); c.metric != "" && !strings.Contains(page, c.metric+"\n") {
		t.Errorf("the metrics lack %q:\n%s", c.metric, onlyIntake(page))
	}
}

// quoted returns a text as a JSON string, without the quotes.
func quoted(text string) string {
	return strings.NewReplacer("\x1b", `\u001b`).Replace(text)
}

func onlyIntake(page string) string {
	var lines []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "bongsu_intake_") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestIntakeTakes10000Alerts sends 10,000 alerts (usually 2,000) in one request, to one
// process and to six.
func TestIntakeTakes10000Alerts(t *testing.T) {
	many := testenv.Pick(2_000, 10_000)
	var alerts []string
	for i := range many {
		alerts = append(alerts, fmt.Sprintf(`{"labels":{"alertname":"a%d","bongsu_target":"@user%d"}}`, i, i%9+1))
	}
	body := `{"alerts":[` + strings.Join(alerts, ",") + `]}`
	for name, start := range map[string]func(*testing.T) deployment{
		"one process":   func(t *testing.T) deployment { return oneProcess(t) },
		"six processes": func(t *testing.T) deployment { return sixProcesses(t) },
	} {
		t.Run(name, func(t *testing.T) {
			d := start(t)
			began := time.Now()
			res := received(t, d.intake(t, "alertmanager", asJSON, nil, body, http.StatusOK))
			t.Logf("%d alerts took %s", len(res.Alerts), time.Since(began))
			if len(res.Alerts) != many || res.RecordedCount != many {
				t.Fatalf("%d alerts, %d recorded, %d refused", len(res.Alerts), res.RecordedCount, res.RefusedCount)
			}
			for _, i := range []int{0, many / 2, many - 1} {
				got, err := d.alerts().GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: res.Alerts[i].ID})
				must(t, err)
				if got.GetAlert().GetTitle() != fmt.Sprintf("a%d", i) || len(got.GetDeliveries()) != 1 {
					t.Errorf("%v", got)
				}
			}
			again := received(t, d.intake(t, "alertmanager", asJSON, nil, body, http.StatusOK))
			if again.RepeatedCount != many || again.Alerts[many-1].ID != res.Alerts[many-1].ID {
				t.Errorf("%d are new", again.RecordedCount)
			}
		})
	}
}

// TestIntakeRetries checks that a request without a reachable alert service gets a
// response after which its source retries.
func TestIntakeRetries(t *testing.T) {
	d := sixProcesses(t)
	must(t, d.parts["alert"].Stop(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.edge+"/v1/intake/alertmanager", strings.NewReader(`{"alerts":[`+labeled("a", "@user1", "")+","+labeled("b", "ops", "")+"]}"))
	must(t, err)
	req.Header.Set("Content-Type", asJSON)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode < 500 {
		t.Errorf("status %s", res.Status)
	}
}
