package app

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// escalating returns the body of an alert that names an escalation policy.
func escalating(policy, more string) string {
	return fmt.Sprintf(`{"target":["@kim"],"message":"disk is full","key":"disk of db1","escalation":%q%s}`, policy, more)
}

// alertCount returns the number of alerts.
func (c inboxCaller) alertCount() int {
	c.t.Helper()
	all, _ := c.must("GET", "/v1/alerts", "")["alerts"].([]any)
	return len(all)
}

// TestUnknownEscalation checks that a firing alert with an unknown escalation policy is refused and not
// stored, that one with a policy is accepted as soon as the policy is created, and that a resolution is
// accepted without it.
func TestUnknownEscalation(t *testing.T) {
	for name, run := range deployments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := inboxCaller{t: t, edge: "http://" + run(t).Addr(Edge)}
			awaitThat(t, "the edge is ready", func() bool { status, _ := c.call("GET", "/readyz", ""); return status == http.StatusOK })
			c.createUsers("kim")
			awaitThat(t, "there are policies", func() bool { status, _ := c.call("GET", "/v1/escalation-policies", ""); return status == http.StatusOK })
			refusal := func() (status int, answer string) { return c.call("POST", "/v1/alerts", escalating("nigth", "")) }
			awaitThat(t, "the alert service knows the incident service", func() bool { status, _ := refusal(); return status == http.StatusBadRequest })
			before := c.alertCount()

			status, answer := refusal()
			kittest.Equal(t, status, http.StatusBadRequest)
			for _, want := range []string{`"code":3`, "escalation: unknown escalation policy nigth", `"UNKNOWN_ESCALATION_POLICY"`} {
				if !strings.Contains(answer, want) {
					t.Errorf("%s does not contain %s", answer, want)
				}
			}
			batch := c.must("POST", "/v1/alerts:batch", `{"alerts":[`+escalating("nigth", "")+`,`+escalating("", "")+`]}`)["results"].([]any)
			refused := batch[0].(map[string]any)
			kittest.Equal(t, [3]any{refused["outcome"], refused["field"], refused["message"]},
				[3]any{"SEND_ALERTS_OUTCOME_REFUSED", "escalation", "unknown escalation policy nigth"})
			kittest.Equal(t, c.alertCount(), before+1)

			c.must("PUT", "/v1/escalation-policies/nigth", `{"steps":[{"target":["@kim"],"wait":"60s"}]}`)
			for range 2 {
				c.must("POST", "/v1/alerts", escalating("nigth", ""))
			}
			c.must("POST", "/v1/alerts", escalating("gone", `,"status":"ALERT_STATUS_RESOLVED"`))
			kittest.Equal(t, c.alertCount(), before+4)
		})
	}
}

// escalatingRule is a rule whose alerts name an escalation policy.
const escalatingRule = `{"name":"disk","type":"disk.full","message":"disk is full","key":"disk of db1","escalation":"nigth","notify":[{"targets":["@kim"]}]}`

// TestUnknownEscalationOfRule checks that an event rule with an unknown escalation policy is refused and
// not stored, that one with a policy is accepted as soon as the policy is created, and that it cannot be
// replaced by one with an unknown policy.
func TestUnknownEscalationOfRule(t *testing.T) {
	for name, run := range deployments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := inboxCaller{t: t, edge: "http://" + run(t).Addr(Edge)}
			awaitThat(t, "the edge is ready", func() bool { status, _ := c.call("GET", "/readyz", ""); return status == http.StatusOK })
			c.createUsers("kim")
			unchecked := strings.Replace(escalatingRule, `"disk"`, `"probe"`, 1) // is stored until the event service knows the incident service
			awaitThat(t, "the event service checks policies", func() bool {
				status, _ := c.call("POST", "/v1/event-rules", unchecked)
				if status == http.StatusCreated {
					c.must("DELETE", "/v1/event-rules/probe", "")
				}
				return status == http.StatusBadRequest
			})

			refused := func(method, path, body string) {
				t.Helper()
				status, answer := c.call(method, path, body)
				kittest.Equal(t, status, http.StatusBadRequest)
				for _, want := range []string{`"code":3`, "rule.escalation: unknown escalation policy", `"UNKNOWN_ESCALATION_POLICY"`} {
					if !strings.Contains(answer, want) {
						t.Errorf("%s %s: %s does not contain %s", method, path, answer, want)
					}
				}
			}
			refused("POST", "/v1/event-rules", escalatingRule)
			refused("POST", "/v1/event-rules:test", `{"rule":`+escalatingRule+`,"event":{"type":"disk.full"}}`)
			all, _ := c.must("GET", "/v1/event-rules", "")["rules"].([]any)
			kittest.Equal(t, len(all), 0)

			c.must("PUT", "/v1/escalation-policies/nigth", `{"steps":[{"target":["@kim"],"wait":"60s"}]}`)
			c.must("POST", "/v1/event-rules", escalatingRule)
			refused("PUT", "/v1/event-rules/disk", strings.Replace(escalatingRule, "nigth", "day", 1))
			rule := c.must("GET", "/v1/event-rules/disk", "")
			if text := fmt.Sprint(rule); !strings.Contains(text, "escalation:nigth") {
				t.Errorf("stored: %s", text)
			}
		})
	}
}

// TestEscalationWithoutIncidentService checks that an alert and an event rule with an escalation policy are accepted, with a
// warning and soon, while no incident service is known and while one does not respond.
func TestEscalationWithoutIncidentService(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never responds
	kittest.NoError(t, err)
	defer silent.Close()
	for name, url := range map[string]string{"none": "", "silent": "http://" + silent.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			key, log := filepath.Join(t.TempDir(), "seal.key"), new(logtest.Buffer)
			kittest.NoError(t, sealkey.Format.CreateKeyFile(key))
			c := inboxCaller{t: t, edge: "http://" + runApp(t, Config{
				Services: []string{Edge, Directory, Alert, Inbox, Sender, Event}, IncidentServiceURL: url, SealKeyFile: key, Log: slog.New(slog.NewTextHandler(log, nil)),
			}).Addr(Edge)}
			c.createUsers("kim")
			start := time.Now()
			c.must("POST", "/v1/alerts", escalating("night", ""))
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("accepted after %s", took)
			}
			kittest.Equal(t, c.alertCount(), 1)
			c.must("POST", "/v1/event-rules", escalatingRule)
			if took := time.Since(start); took > 6*time.Second {
				t.Errorf("rule accepted after %s", took)
			}
			for _, of := range []string{"escalation=night", "rule=disk escalation=nigth"} {
				if !strings.Contains(log.String(), `level=WARN msg="escalation policy not checked" `+of) {
					t.Errorf("no warning for %s in %s", of, log.String())
				}
			}
		})
	}
}
