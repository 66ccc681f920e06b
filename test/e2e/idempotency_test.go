package e2e

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// keyed is the request of the idempotency tests; wasExecuted checks its response.
const keyed = `{"target":["@@test-team2","@nobody"],"message":"m"}`

func wasExecuted(answer string) bool {
	return strings.HasPrefix(answer, `200 {"userCount":2,`) && strings.Contains(answer, `["@nobody"]`)
}

// sameKey sends one request a hundred times concurrently under one key: one alert, a
// hundred equal responses.
func sameKey(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		answers := make([]string, 100)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = post(t, d.edge+"/v1/alerts", "one", keyed) })
		}
		wg.Wait()
		for _, answer := range answers {
			if answer != answers[0] || !wasExecuted(answer) {
				t.Fatalf("responses %s and %s", answers[0], answer)
			}
		}
		if _, list := request(t, http.MethodGet, d.edge+"/v1/alerts", ""); strings.Count(list, `"message":"m"`) != 1 {
			t.Errorf("recorded: %s", list)
		}
	})
}

// sameKeyOtherRequest sends another request under a used key: it is refused with an
// error that names the key, over every protocol.
func sameKeyOtherRequest(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		if answer := post(t, d.edge+"/v1/alerts", "one", keyed); !wasExecuted(answer) {
			t.Fatalf("the first request: %s", answer)
		}
		if answer := post(t, d.edge+"/v1/alerts", "one", strings.Replace(keyed, `{`, `{"failover":true,`, 1)); !strings.HasPrefix(answer, "409 ") {
			t.Errorf("the same with failover: %s", answer)
		}
		if answer := post(t, d.edge+"/v1/alerts", "one", strings.Replace(keyed, `"m"`, `"other"`, 1)); !strings.HasPrefix(answer, "409 ") || !strings.Contains(answer, "Idempotency-Key") && !strings.Contains(answer, "idempotency") {
			t.Errorf("another request: %s", answer)
		}
		for _, p := range protocols {
			alerts := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, p.option)
			_, err := alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@user9"}, Message: "m", IdempotencyKey: "one"})
			wantCode(t, err, connect.CodeAlreadyExists)
		}
	})
}

// TestIdempotency repeats a request under its key over other protocols, and sends the
// same request under another key.
func TestIdempotency(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		first := post(t, d.edge+"/v1/alerts", "one", keyed)
		if !wasExecuted(first) {
			t.Fatalf("the first request: %s", first)
		}
		if answer := post(t, d.edge+"/v1/alerts", "two", keyed); answer == first || !wasExecuted(answer) {
			t.Errorf("another key: %s", answer)
		}
		if answer := post(t, d.edge+"/v1/alerts", "one", strings.Replace(keyed, `{`, `{"idempotencyKey":"three",`, 1)); !strings.HasPrefix(answer, "400 ") {
			t.Errorf("field and header differ: %s", answer)
		}
		for _, p := range protocols {
			alerts := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, p.option)
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("Idempotency-Key", "one")
			res, err := alerts.SendAlert(ctx, &alertv1.SendAlertRequest{Target: []string{"@@test-team2", "@nobody"}, Message: "m"})
			must(t, err)
			if !strings.Contains(first, res.GetId()) {
				t.Errorf("%s: a new alert: %v", p.name, res)
			}
		}
	})
}

// post sends an alert under an idempotency key, and returns the status and the body of
// the response.
func post(t *testing.T, url, key, body string) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(res.StatusCode) + " " + string(answer)
}

// TestWatch watches an alert over every streaming protocol.
func TestWatch(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		for _, p := range protocols {
			t.Run(p.name, func(t *testing.T) {
				d.reset(t)
				d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "1"}})
				id := d.send(t, `{"target":["@user1"],"message":"m"}`).ID
				d.tried(t, id, 1)
				ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
				defer cancel()
				stream, err := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, p.option).WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: id})
				must(t, err)
				var states []string
				for stream.Receive() {
					for _, delivery := range stream.Msg().GetDeliveries() {
						states = append(states, strings.TrimPrefix(delivery.GetState().String(), "DELIVERY_STATE_"))
					}
					if len(states) == 1 {
						d.reset(t)
					}
				}
				must(t, stream.Err())
				if len(states) < 2 || states[0] != "QUEUED" || states[len(states)-1] != "SENT" {
					t.Errorf("watched %q", states)
				}
			})
		}
		stream, err := d.alerts().WatchAlert(t.Context(), &alertv1.WatchAlertRequest{Id: "1"})
		must(t, err)
		if stream.Receive() {
			t.Errorf("unknown alert: %v", stream.Msg())
		}
		wantCode(t, stream.Err(), connect.CodeNotFound)
	})
}
