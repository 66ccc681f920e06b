package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
)

// resultLines returns a line for each result of SendAlerts.
func resultLines(results []*alertv1.SendAlertsResult) string {
	var lines []string
	for _, r := range results {
		outcome := strings.ToLower(strings.TrimPrefix(r.GetOutcome().String(), "SEND_ALERTS_OUTCOME_"))
		lines = append(lines, fmt.Sprint(outcome, " ", r.GetUserCount(), " ", r.GetField()))
	}
	return strings.Join(lines, "|")
}

// TestSendAlerts sends many alerts in a request by every protocol: each has a result of its own,
// a repeated request records nothing, and all that is recorded is delivered.
func TestSendAlerts(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		for _, p := range protocols {
			t.Run(p.name, func(t *testing.T) {
				client := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, p.option)
				req := &alertv1.SendAlertsRequest{IdempotencyKey: p.name, Alerts: []*alertv1.SendAlertRequest{
					{Target: []string{"@user1", "@@test-team2"}, Message: "m", By: []string{"slack"}},
					{Target: []string{"@user1"}},
					{Target: []string{"@user1"}, Message: "m", By: []string{"telegram"}},
					{Target: []string{"@user1"}, Message: "m", By: []string{"fax"}},
				}}
				const want = "recorded 3 |refused 0 message|recorded 0 |refused 0 by"
				res, err := client.SendAlerts(t.Context(), req)
				must(t, err)
				if got := resultLines(res.GetResults()); got != want {
					t.Errorf("got %q", got)
				}
				again, err := client.SendAlerts(t.Context(), req)
				must(t, err)
				if got := resultLines(again.GetResults()); got != strings.ReplaceAll(want, "recorded", "repeated") || again.GetResults()[0].GetId() != res.GetResults()[0].GetId() {
					t.Errorf("repeated: %q", got)
				}
				if ended := d.ended(t, res.GetResults()[0].GetId()); len(ended) != 3 {
					t.Errorf("deliveries: %v", ended)
				}
				_, err = client.SendAlerts(t.Context(), &alertv1.SendAlertsRequest{})
				wantCode(t, err, connect.CodeInvalidArgument)
				_, err = client.SendAlerts(t.Context(), &alertv1.SendAlertsRequest{Alerts: make([]*alertv1.SendAlertRequest, 1001)})
				wantCode(t, err, connect.CodeInvalidArgument)
			})
		}
		t.Run("REST", func(t *testing.T) { sendAlertsByREST(t, d) })
	})
}

func sendAlertsByREST(t *testing.T, d deployment) {
	post := func(key, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.edge+"/v1/alerts:batch", strings.NewReader(body))
		must(t, err)
		req.Header.Set("Content-Type", "application/json")
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		defer res.Body.Close()
		var got struct {
			Message string
			Results []struct {
				Outcome, ID, Field, Message string
				UserCount                   int
			}
		}
		must(t, json.NewDecoder(res.Body).Decode(&got))
		lines := []string{got.Message}
		for _, r := range got.Results {
			lines = append(lines, fmt.Sprint(r.Outcome, " ", r.UserCount, " ", r.Field))
		}
		return res.StatusCode, strings.TrimPrefix(strings.Join(lines, "|"), "|")
	}
	const body = `{"alerts":[{"target":["@user1"],"message":"m","by":["slack"]},{"target":["@user1"],"message":"m","details":[{"name":""}]},{"target":["user1"],"message":"m"}]}`
	const want = "SEND_ALERTS_OUTCOME_RECORDED 1 |SEND_ALERTS_OUTCOME_REFUSED 0 details[0].name|SEND_ALERTS_OUTCOME_REFUSED 0 target[0]"
	for _, step := range []struct {
		key, body string
		status    int
		want      string
	}{
		{"rest", body, 200, want},
		{"rest", body, 200, strings.Replace(want, "RECORDED", "REPEATED", 1)},
		{"", body, 200, want},
		{"", `{"alerts":[]}`, 400, "alerts"},
		{"", `{"alerts":[{"target":["@user1"],"message":"m","colour":"red"}]}`, 400, "colour"},
		{"", `{"alerts":[{"target":"@user1","message":"m"}]}`, 400, "target"},
		{strings.Repeat("k", 191), body, 400, "idempotency_key"},
	} {
		status, got := post(step.key, step.body)
		if status != step.status || status == 200 && got != step.want || !strings.Contains(got, step.want) {
			t.Errorf("key %.10q, %s: %d %s", step.key, step.body, status, got)
		}
	}
}
