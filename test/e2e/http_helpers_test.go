package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// request makes an HTTP request with a JSON body, and returns the status and the body of
// the response.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	return requestAs(t, method, url, "application/json", body)
}

func requestAs(t *testing.T, method, url, contentType, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// sent is the response of POST /v1/alerts.
type sent struct {
	UserCount     *int     `json:"userCount"`
	ID            string   `json:"id"`
	UnknownTarget []string `json:"unknownTarget"`
}

// send sends an alert that must be accepted.
func (d deployment) send(t *testing.T, body string) sent {
	t.Helper()
	status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", body)
	var s sent
	if err := json.Unmarshal([]byte(answer), &s); err != nil || status != http.StatusOK || s.UserCount == nil {
		t.Fatalf("POST /v1/alerts %s: %d %s", body, status, answer)
	}
	return s
}

func (d deployment) alerts() alertv1connect.AlertServiceClient {
	return alertv1connect.NewAlertServiceClient(http.DefaultClient, d.edge)
}

func (d deployment) fakes() mockupv1connect.MockupServiceClient {
	return mockupv1connect.NewMockupServiceClient(http.DefaultClient, d.mockup)
}

// ended waits until every delivery of an alert is completed, and returns them.
func (d deployment) ended(t *testing.T, id string) []*alertv1.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		res, err := d.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
		if err != nil {
			t.Fatalf("GetAlert %s: %v", id, err)
		}
		if res.GetAlert().GetDeliveryCounts().GetQueued()+res.GetAlert().GetDeliveryCounts().GetHeld() == 0 {
			return res.GetDeliveries()
		}
		look(ctx, t)
	}
}

// look waits a moment before the next poll of another process.
func look(ctx context.Context, t *testing.T) {
	t.Helper()
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
		t.Fatalf("timeout after %s", proc.Patience)
	}
}

// calls returns the calls that the fake Slack received.
func (d deployment) calls(t *testing.T) []*mockupv1.Call {
	t.Helper()
	res, err := d.fakes().ListCalls(t.Context(), &mockupv1.ListCallsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetCalls()
}

// reset resets the calls and the faults of the fakes.
func (d deployment) reset(t *testing.T) {
	t.Helper()
	if _, err := d.fakes().Reset(t.Context(), &mockupv1.ResetRequest{}); err != nil {
		t.Fatal(err)
	}
}

// fault sets a fault of the fakes until reset.
func (d deployment) fault(t *testing.T, f *mockupv1.Fault) {
	t.Helper()
	if _, err := d.fakes().SetFault(t.Context(), &mockupv1.SetFaultRequest{Fault: f}); err != nil {
		t.Fatal(err)
	}
}
