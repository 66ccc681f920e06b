package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

const (
	// tourAlert is the example request of the README.
	tourAlert = `{"target":["@user1","@@test-team2"],"severity":"normal","message":"node1 down"}`
	// tourPatience is the timeout for the deliveries to complete.
	tourPatience = 30 * time.Second
	// tourLook is the polling interval.
	tourLook = 20 * time.Millisecond
)

// A demoRun sends an alert and prints the calls to the provider and the deliveries in the
// ledger.
type demoRun struct {
	out                *deferredOutput
	edge, mockup, data string
}

func (t demoRun) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tourPatience)
	defer cancel()
	t.say("Bongsu is running: the edge at %s, a fake Slack at %s, data in %s\n", t.edge, t.mockup, t.data)
	t.say("Send an alert:\n\nPOST %s/v1/alerts\n%s\n", t.edge, tourAlert)
	answer, err := t.post(ctx)
	if err != nil {
		return err
	}
	t.say("It is recorded. The response:\n\n%s\n", answer)
	t.say("Requests to the fake Slack:\n")
	t.out.open()
	id, err := t.follow(ctx)
	if err != nil {
		return err
	}
	t.say("\nBongsu keeps running. Try next:\n")
	for _, command := range []string{
		fmt.Sprintf(`curl -H 'Content-Type: application/json' -d '{"target":["@all"],"severity":"critical","message":"disk full on db1"}' %s/v1/alerts`, t.edge),
		fmt.Sprintf("curl %s/v1/alerts/%s", t.edge, id),
		fmt.Sprintf(`buf curl --http2-prior-knowledge -d '{"target":["@@test-team3"]}' %s/bongsu.alert.v1.AlertService/ResolveTargets`, t.edge),
		fmt.Sprintf("go run ./cmd/bongsu alert list --server=%s", t.edge),
	} {
		t.say("  %s", command)
	}
	t.say("\nPress Ctrl-C to stop.")
	return nil
}

// post sends the example alert over REST and returns the response body.
func (t demoRun) post(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.edge+"/v1/alerts", strings.NewReader(tourAlert))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("alert request failed with status %s: %s", res.Status, body)
	}
	return strings.TrimSpace(string(body)), nil
}

// follow prints each delivery of the newest alert when it is completed, and returns the
// id of the alert.
func (t demoRun) follow(ctx context.Context) (string, error) {
	alerts := client{Server: t.edge, Timeout: tourPatience}.alerts()
	list, err := alerts.ListAlerts(ctx, &alertv1.ListAlertsRequest{PageSize: 1})
	if err != nil {
		return "", err
	}
	id := list.GetAlerts()[0].GetId()
	look := time.NewTicker(tourLook)
	defer look.Stop()
	shown := map[string]bool{}
	for {
		res, err := alerts.GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
		if err != nil {
			return "", err
		}
		for _, d := range res.GetDeliveries() {
			if d.GetEndTime() == nil || shown[d.GetId()] {
				continue
			}
			if len(shown) == 0 {
				t.say("Deliveries in the ledger:\n")
			}
			shown[d.GetId()] = true
			status, code, message := evidence(d)
			t.say("  @%s by %s to %s: %s (status %s, code %s, message id %s, %d attempt)",
				d.GetNickName(), d.GetMessenger(), d.GetDestination(), state(d), orDash(status), orDash(code), orDash(message), len(d.GetAttempts()))
		}
		if len(shown) == len(res.GetDeliveries()) {
			return id, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return "", fmt.Errorf("the deliveries of alert %s did not complete within %s", id, tourPatience)
		}
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func (t demoRun) say(format string, args ...any) {
	t.out.writeFirst(fmt.Sprintf(format, args...) + "\n")
}
