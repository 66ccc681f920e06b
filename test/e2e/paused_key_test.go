package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestListPaces pauses a credential: it is listed with its backlog, the age of that,
// and the reason, without its token.
func TestListPaces(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}, BodyContains: "USER2_CHANNEL_ID"})
		first := d.send(t, `{"target":["@user2"],"message":"m"}`).ID
		d.tried(t, first, 1)
		d.send(t, `{"target":["@user2"],"message":"m"}`)
		allSent(t, d.ended(t, d.send(t, `{"target":["@user7"],"message":"m"}`).ID))
		messengers := messengerv1connect.NewMessengerServiceClient(http.DefaultClient, d.edge)
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		defer cancel()
		for {
			res, err := messengers.ListPaces(ctx, &messengerv1.ListPacesRequest{})
			must(t, err)
			if strings.Contains(res.String(), "TOKEN") {
				t.Fatalf("the response holds a token: %s", res)
			}
			i := slices.IndexFunc(res.GetPaces(), func(p *messengerv1.Pace) bool {
				return strings.HasPrefix(p.GetKey(), "slack.credential.") && p.GetQueuedCount() == 2 && p.GetDueCount() == 0
			})
			if i < 0 {
				look(ctx, t)
				continue
			}
			p := res.GetPaces()[i]
			created := d.get(t, first).GetAlert().GetCreateTime().AsTime()
			if left := time.Until(p.GetPausedUntilTime().AsTime()); left < 59*time.Minute || p.GetPauseCode() != "http_429" || !p.GetOldestCreateTime().AsTime().Equal(created) {
				t.Errorf("listed as %s", p)
			}
			if _, page := request(t, http.MethodGet, d.alert+"/metrics", ""); !strings.Contains(page, `bongsu_alert_paused_keys{messenger="slack"} 1`) {
				t.Errorf("the metrics lack the pause:\n%s", page)
			}
			return
		}
	})
}

// showsPause checks that the list of limiter keys holds the only pause, and no token.
func (d deployment) showsPause(t *testing.T, code string, wait time.Duration) {
	t.Helper()
	_, answer := request(t, http.MethodGet, d.edge+"/v1/paces?messenger=slack", "")
	var shown struct {
		Paces []struct {
			Key             string
			LimitPerSecond  float64
			PausedUntilTime time.Time
			PauseCode       string
		}
	}
	must(t, json.Unmarshal([]byte(answer), &shown))
	paused := 0
	for _, p := range shown.Paces {
		if !p.PausedUntilTime.IsZero() {
			paused++
			if left := time.Until(p.PausedUntilTime); left > wait || left < wait-time.Minute || p.PauseCode != code ||
				p.LimitPerSecond != 10 || !strings.HasPrefix(p.Key, "slack.credential.") {
				t.Errorf("%+v", p)
			}
		}
	}
	if paused != 1 || strings.Contains(answer, "xoxb") {
		t.Errorf("limiter keys: %s", answer)
	}
}

// hourForAll pauses a credential for an hour by the 429 of one delivery: all its
// deliveries wait, even after a restart, and no call is made.
func hourForAll(t *testing.T) {
	data := t.TempDir()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]
	args := []string{"--data=" + data, "--edge-addr=127.0.0.1:0", "--provider-url=" + mockup, "--credential-limit=10/s", "--destination-limit="}
	first := binaries.Serve(t, args...)
	d := deployment{edge: first.URLs(t, 1)["edge"], mockup: mockup}
	d.createUsers(t, "one", "xoxb-one", 3)
	d.createUsers(t, "other", "xoxb-other", 1)
	d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}, BodyContains: "Cone0"})
	d.tried(t, d.send(t, `{"target":["@one0"],"message":"m"}`).ID, 1)
	waits := func(nickname string) {
		t.Helper()
		id := d.send(t, `{"target":["@`+nickname+`"],"message":"m"}`).ID
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		defer cancel()
		for d.get(t, id).GetDeliveries()[0].GetNextAttemptTime() == nil || time.Until(d.get(t, id).GetDeliveries()[0].GetNextAttemptTime().AsTime()) < 59*time.Minute {
			if attempts := d.get(t, id).GetDeliveries()[0].GetAttempts(); len(attempts) > 0 {
				t.Fatalf("%v", attempts)
			}
			look(ctx, t)
		}
	}
	waits("one1")
	d.showsPause(t, "http_429", time.Hour)
	first.Kill()
	d.edge = binaries.Serve(t, args...).URLs(t, 1)["edge"]
	waits("one2")
	allSent(t, d.ended(t, d.send(t, `{"target":["@other0"],"message":"m"}`).ID))
	if calls := times(d.calls(t), "Cone"); len(calls) != 1 {
		t.Errorf("%d calls under the paused credential", len(calls))
	}
}
