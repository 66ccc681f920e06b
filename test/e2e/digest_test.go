package e2e

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// maxStormMessages is the maximum number of messages by which a person is notified of a storm.
const maxStormMessages = 20

// storm sends alerts to one user at once, and returns their ids.
func (d deployment) storm(t *testing.T, count int) []string {
	t.Helper()
	ids := make([]string, count)
	var g errgroup.Group
	g.SetLimit(16)
	for i := range ids {
		g.Go(func() error {
			severity := []string{"normal", "high", "low"}[i%3]
			res, err := d.alerts().SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@user1"}, Severity: severity, Message: fmt.Sprintf("db%d down", i)})
			ids[i] = res.GetId()
			return err
		})
	}
	must(t, g.Wait())
	return ids
}

var digestHead = regexp.MustCompile(`(\d+) alerts: `)

// notified returns the number of messages that the mockup received, and how many alerts they are
// of.
func (d deployment) notified(t *testing.T) (messages, alerts int) {
	t.Helper()
	for _, c := range d.calls(t) {
		count := 1
		if head := digestHead.FindStringSubmatch(c.GetBody()); head != nil {
			count, _ = strconv.Atoi(head[1]) // digits
		}
		messages, alerts = messages+1, alerts+count
	}
	return messages, alerts
}

// requireAllSent checks that the delivery of each alert is sent, and has the attempt that is the
// evidence. It returns how many of the attempts are possible duplicates.
func (d deployment) requireAllSent(t *testing.T, ids []string) (duplicates int) {
	t.Helper()
	for _, id := range ids {
		deliveries := d.endedLate(t, id)
		if len(deliveries) != 1 || deliveries[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || len(deliveries[0].GetAttempts()) == 0 {
			t.Fatalf("alert %s: %v", id, deliveries)
		}
		last := deliveries[0].GetAttempts()[len(deliveries[0].GetAttempts())-1]
		if last.GetOutcome().GetProviderStatus() != http.StatusOK || last.GetOutcome().GetProviderMessageId() == "" {
			t.Errorf("alert %s: attempt %v", id, last)
		}
		if last.GetPossibleDuplicate() {
			duplicates++
		}
	}
	return duplicates
}

// TestStorm sends a thousand alerts to one person, who is notified of all of them by few
// messages.
func TestStorm(t *testing.T) {
	const flag = "--digest-after=10 in 5s"
	suite := func(t *testing.T, d deployment) {
		ids := d.storm(t, 1000)
		duplicates := d.requireAllSent(t, ids)
		messages, alerts := d.notified(t)
		t.Logf("%d messages of %d alerts", messages, alerts)
		if messages > maxStormMessages || messages < 11 || alerts != len(ids) || duplicates != 0 {
			t.Errorf("%d messages of %d alerts, %d possible duplicates", messages, alerts, duplicates)
		}
	}
	t.Run("one process", func(t *testing.T) { suite(t, oneProcess(t, flag)) })
	t.Run("processes", func(t *testing.T) {
		d, startSender := startParts(t, false)
		d.parts["alert"].Kill()
		d = d.withAlertService(t, flag)
		d.sender = startSender()
		awaitReady(t, d.edge, true)
		awaitReady(t, d.sender, true)
		suite(t, d)
	})
}

// withAlertService returns the deployment with another alert service.
func (d deployment) withAlertService(t *testing.T, more ...string) deployment {
	t.Helper()
	args := append([]string{"--services=alert", "--data=" + t.TempDir(), "--nats-url=" + d.nats}, more...)
	d.parts["alert"] = binaries.Serve(t, append(args, anywhere...)...)
	d.alert = d.parts["alert"].URLs(t, 1)["alert"]
	return d
}

// TestStormKill kills the process while a digest is sent: the next process sends what is missing,
// and those that may have been received are marked.
func TestStormKill(t *testing.T) {
	data := t.TempDir()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]
	args := []string{
		"--data=" + data, "--demo-data", "--edge-addr=127.0.0.1:0", "--provider-url=" + mockup,
		"--digest-after=10 in 3s", "--lease=5s", "--provider-timeout=2s",
	}
	first := binaries.Serve(t, args...)
	d := deployment{edge: first.URLs(t, 1)["edge"], mockup: mockup}
	d.fault(t, &mockupv1.Fault{BodyContains: "alerts: ", Delay: durationpb.New(time.Minute)})
	ids := d.storm(t, 300)
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for _, alerts := d.notified(t); alerts <= 10; _, alerts = d.notified(t) { // a digest is in flight
		look(ctx, t)
	}
	first.Kill()
	d.fault(t, &mockupv1.Fault{BodyContains: "alerts: "})

	d.edge = binaries.Serve(t, args...).URLs(t, 1)["edge"]
	duplicates := d.requireAllSent(t, ids)
	messages, alerts := d.notified(t)
	t.Logf("%d messages of %d alerts, %d possible duplicates", messages, alerts, duplicates)
	if messages > maxStormMessages || alerts < len(ids) || alerts-len(ids) > duplicates {
		t.Errorf("%d messages of %d alerts, %d possible duplicates", messages, alerts, duplicates)
	}
	for _, c := range d.calls(t) {
		if strings.Contains(c.GetBody(), "[] ") {
			t.Errorf("call without a severity: %s", c.GetBody())
		}
	}
}
