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
	"github.com/bongsu-project/bongsu/internal/rpc"
)

// workers is how many callers there are of everything that is called as fast as it
// answers, Bongsu and ceilings alike.
const workers = 64

// callTimeout bounds one call.
const callTimeout = 60 * time.Second

// newHTTPClient gives a client by HTTP/1.1 that keeps a connection for each caller.
func newHTTPClient(callers int) *http.Client {
	return &http.Client{Timeout: callTimeout, Transport: &http.Transport{
		MaxIdleConns: callers, MaxIdleConnsPerHost: callers, DisableCompression: true,
	}}
}

// bearer is the credential of everybody.
const bearer = "Bearer xoxb-bench"

// slackBody is what Bongsu posts to one person of the message of a number.
func slackBody(n int) string {
	return `{"channel":"` + fake.Channel(n%people) + `","text":"[normal] ` + fake.Text(n) + `"}`
}

// postJSON posts, and reads the answer to its end, which must be of success.
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
		answer, _ := io.ReadAll(res.Body) // the status says it already
		return fmt.Errorf("%s answered %s: %s", url, res.Status, answer)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// An Audience is whom alerts are for.
type audience struct {
	width  int                // people an alert
	target func(n int) string // of the alert of a number
}

// A protocol is a way to send alerts to a URL. The calls count people and refuse an
// answer with another number.
type protocol struct {
	name string
	send func(url string, callers int, to audience) load.Call
}

var protocols = []protocol{
	{"connect", sendByConnect},
	{"grpc", sendByGRPC},
	{"rest", sendByREST},
}

func sendByConnect(url string, callers int, to audience) load.Call {
	return sendBy(alertv1connect.NewAlertServiceClient(newHTTPClient(callers), url, connect.WithProtoJSON()), to)
}

func sendByGRPC(url string, _ int, to audience) load.Call {
	return sendBy(alertv1connect.NewAlertServiceClient(rpc.NewHTTPClient(), url, connect.WithGRPC()), to)
}

func sendBy(client alertv1connect.AlertServiceClient, to audience) load.Call {
	return func(ctx context.Context, n int) error {
		res, err := client.SendAlert(ctx, &alertv1.SendAlertRequest{Target: []string{to.target(n)}, Message: fake.Text(n)})
		if err != nil {
			return err
		}
		if int(res.GetUserCount()) != to.width {
			return fmt.Errorf("%s is %d people, not %d", to.target(n), res.GetUserCount(), to.width)
		}
		return nil
	}
}

func sendByREST(url string, callers int, to audience) load.Call {
	client := newHTTPClient(callers)
	return func(ctx context.Context, n int) error {
		return postJSON(ctx, client, url+"/v1/alerts", "", `{"target":["`+to.target(n)+`"],"message":"`+fake.Text(n)+`"}`)
	}
}
