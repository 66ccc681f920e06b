package cli

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
	once               bool // the process ends after the run
}

func (r demoRun) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tourPatience)
	defer cancel()
	r.say("Bongsu is running: the edge at %s, a fake Slack at %s, data in %s\n", r.edge, r.mockup, r.data)
	r.say("Send an alert:\n\nPOST %s/v1/alerts\n%s\n", r.edge, tourAlert)
	response, err := r.post(ctx)
	if err != nil {
		return err
	}
	r.say("It is recorded. The response:\n\n%s\n", response)
	r.say("Requests to the fake Slack:\n")
	r.out.open()
	id, err := r.follow(ctx)
	if err != nil {
		return err
	}
	if !r.once {
		r.suggest(id)
	}
	return nil
}

// suggest prints commands to try while the process runs on.
func (r demoRun) suggest(id string) {
	r.say("\nBongsu keeps running. Try next:\n")
	for _, command := range []string{
		fmt.Sprintf(`curl -H 'Content-Type: application/json' -d '{"target":["@all"],"severity":"critical","message":"disk full on db1"}' %s/v1/alerts`, r.edge),
		fmt.Sprintf("curl %s/v1/alerts/%s", r.edge, id),
		fmt.Sprintf(`buf curl --http2-prior-knowledge -d '{"target":["@@test-team3"]}' %s/bongsu.alert.v1.AlertService/ResolveTargets`, r.edge),
		fmt.Sprintf("go run ./cmd/bongsu alert list --server=%s", r.edge),
	} {
		r.say("  %s", command)
	}
	r.say("\nPress Ctrl-C to stop.")
}

// post sends the example alert over REST and returns the response body.
func (r demoRun) post(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.edge+"/v1/alerts", strings.NewReader(tourAlert))
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
func (r demoRun) follow(ctx context.Context) (string, error) {
	alerts := client{Server: r.edge, Timeout: tourPatience}.alerts()
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
				r.say("Deliveries in the ledger:\n")
			}
			shown[d.GetId()] = true
			status, code, message := evidence(d)
			r.say("  @%s by %s to %s: %s (status %s, code %s, message id %s, %d attempt)",
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

func (r demoRun) say(format string, args ...any) {
	r.out.writeFirst(fmt.Sprintf(format, args...) + "\n")
}
