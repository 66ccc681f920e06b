package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/bench/load"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// workers is the number of concurrent callers of closed loads, for Bongsu and ceilings
// alike.
const workers = 64

// callTimeout is the timeout of a call.
const callTimeout = 60 * time.Second

// newHTTPClient returns an HTTP/1.1 client that keeps a connection for each caller.
func newHTTPClient(callers int) *http.Client {
	return &http.Client{Timeout: callTimeout, Transport: newTransport(callers)}
}

// newTransport returns the transport of newHTTPClient.
func newTransport(callers int) *http.Transport {
	return &http.Transport{MaxIdleConns: callers, MaxIdleConnsPerHost: callers, DisableCompression: true}
}

// bearer is the credential of every user.
const bearer = "Bearer xoxb-bench"

// slackBody returns Bongsu's request body for one user and the message with a number.
func slackBody(n int) string {
	return `{"channel":"` + fake.Channel(n%people) + `","text":"[normal] ` + fake.Text(n) + `"}`
}

// postJSON posts a body and reads the response to its end; a status other than 2xx is
// an error.
func postJSON(ctx context.Context, client *http.Client, url, authorization, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		response, _ := io.ReadAll(res.Body) // the status is the error
		return fmt.Errorf("%s returned %s: %s", url, res.Status, response)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// An audience holds the targets of alerts.
type audience struct {
	width  int                // users per alert
	target func(n int) string // target of the alert with a number
}

// A protocol sends alerts to an endpoint. Its calls fail if a response has another number of
// users than expected.
type protocol struct {
	name string
	send func(at endpoint, callers int, to audience) load.Call
}

var protocols = []protocol{
	{"connect", sendByConnect},
	{"grpc", sendByGRPC},
	{"rest", sendByREST},
}

func sendByConnect(at endpoint, callers int, to audience) load.Call {
	return sendBy(alertv1connect.NewAlertServiceClient(newHTTPClient(callers), at.url, at.options(connect.WithProtoJSON())), to)
}

func sendByGRPC(at endpoint, _ int, to audience) load.Call {
	return sendBy(alertv1connect.NewAlertServiceClient(rpc.NewHTTPClient(), at.url, at.options(connect.WithGRPC())), to)
}

func sendBy(client alertv1connect.AlertServiceClient, to audience) load.Call {
	return func(ctx context.Context, n int) error {
		res, err := client.SendAlert(ctx, &alertv1.SendAlertRequest{Target: []string{to.target(n)}, Message: fake.Text(n)})
		if err != nil {
			return err
		}
		if int(res.GetUserCount()) != to.width {
			return fmt.Errorf("%s resolves to %d users, want %d", to.target(n), res.GetUserCount(), to.width)
		}
		return nil
	}
}

// sendTogether sends size alerts in each call, by Connect.
func sendTogether(at endpoint, callers int, to audience, size int) load.Call {
	client := alertv1connect.NewAlertServiceClient(newHTTPClient(callers), at.url, at.options(connect.WithProtoJSON()))
	return func(ctx context.Context, n int) error {
		req := &alertv1.SendAlertsRequest{}
		for i := range size {
			req.Alerts = append(req.Alerts, &alertv1.SendAlertRequest{Target: []string{to.target(n*size + i)}, Message: fake.Text(n*size + i)})
		}
		res, err := client.SendAlerts(ctx, req)
		if err != nil {
			return err
		}
		for i, r := range res.GetResults() {
			if r.GetOutcome() != alertv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED || int(r.GetUserCount()) != to.width {
				return fmt.Errorf("alert %d is %s for %d users, want %d: %s %s", i, r.GetOutcome(), r.GetUserCount(), to.width, r.GetField(), r.GetMessage())
			}
		}
		return nil
	}
}

func sendByREST(at endpoint, callers int, to audience) load.Call {
	client, url, authorization := newHTTPClient(callers), at.url+"/v1/alerts", at.authorization()
	return func(ctx context.Context, n int) error {
		return postJSON(ctx, client, url, authorization, `{"target":["`+to.target(n)+`"],"message":"`+fake.Text(n)+`"}`)
	}
}
