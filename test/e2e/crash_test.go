package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestKill kills the process right after the last response: the next process delivers
// the accepted alerts, and duplicates are marked.
func TestKill(t *testing.T) {
	const alerts = 40
	data := t.TempDir()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]
	args := []string{"--data=" + data, "--demo-data", "--edge-addr=127.0.0.1:0", "--provider-url=" + mockup}

	first := binaries.Serve(t, args...)
	d := deployment{edge: first.URLs(t, 1)["edge"], mockup: mockup}
	accepted := make([]string, 0, alerts)
	for n := range alerts {
		accepted = append(accepted, d.send(t, fmt.Sprintf(`{"target":["@@test-team%d"],"message":"alert %d"}`, n%4+1, n)).ID)
	}
	first.Kill()

	d.edge = binaries.Serve(t, args...).URLs(t, 1)["edge"]
	marked := 0
	for n, id := range accepted {
		deliveries := d.endedLate(t, id)
		if len(deliveries) != 2 {
			t.Fatalf("alert %d has %d deliveries", n, len(deliveries))
		}
		for _, delivery := range deliveries {
			if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
				t.Errorf("alert %d: %v", n, delivery)
			}
			if last := delivery.GetAttempts()[len(delivery.GetAttempts())-1]; last.GetPossibleDuplicate() {
				marked++
			}
		}
	}
	seen := map[string]int{}
	for _, call := range d.calls(t) {
		seen[call.GetBody()]++
	}
	twice := 0
	for _, count := range seen {
		twice += count - 1
	}
	t.Logf("%d deliveries, %d received twice, %d marked", 2*alerts, twice, marked)
	if len(seen) != 2*alerts || twice > marked {
		t.Errorf("Slack received %d of %d deliveries, %d twice, of which at most %d are marked", len(seen), 2*alerts, twice, marked)
	}
}

// endedLate waits longer than ended, for the leases of the killed process to expire.
func (d deployment) endedLate(t *testing.T, id string) []*alertv1.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		res, err := d.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
		if err != nil {
			t.Fatalf("GetAlert %s: %v", id, err)
		}
		if res.GetAlert().GetDeliveryCounts().GetQueued() == 0 {
			return res.GetDeliveries()
		}
		look(ctx, t)
	}
}

// TestStop stops the process with calls in flight: they complete and are reported, and
// nothing is left unfinished.
func TestStop(t *testing.T) {
	data := t.TempDir()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]
	args := []string{"--data=" + data, "--demo-data", "--edge-addr=127.0.0.1:0", "--provider-url=" + mockup}
	first := binaries.Serve(t, args...)
	d := deployment{edge: first.URLs(t, 1)["edge"], mockup: mockup}
	d.fault(t, &mockupv1.Fault{Delay: durationpb.New(time.Second)})
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID

	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for len(d.calls(t)) < 9 { // all are in flight
		look(ctx, t)
	}
	if err := first.Stop(t); err != nil {
		t.Fatalf("exit: %v\n%s", err, first.Log())
	}

	d.edge = binaries.Serve(t, args...).URLs(t, 1)["edge"]
	for _, delivery := range d.ended(t, id) {
		if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || len(delivery.GetAttempts()) != 1 {
			t.Errorf("%v", delivery)
		}
	}
	if calls := d.calls(t); len(calls) != 9 {
		t.Errorf("Slack received %d calls", len(calls))
	}
}

// TestSecretsStaySealed searches the responses, the log and the files of a process for
// tokens.
func TestSecretsStaySealed(t *testing.T) {
	data := t.TempDir()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]
	p := binaries.Serve(t, "--data="+data, "--demo-data", "--log-level=debug", "--edge-addr=127.0.0.1:0", "--provider-url="+mockup)
	d := deployment{edge: p.URLs(t, 1)["edge"], mockup: mockup}
	d.ended(t, d.send(t, `{"target":["@all"],"message":"m"}`).ID)
	for _, path := range []string{"/v1/users", "/v1/users/user1", "/v1/alerts"} {
		if _, answer := request(t, http.MethodGet, d.edge+path, ""); strings.Contains(answer, "SLACK-USER") {
			t.Errorf("%s returns %s", path, answer)
		}
	}
	p.Kill()
	unwritten(t, p, data, "SLACK-USER", "USER1_CHANNEL_ID")
	key, err := os.Stat(filepath.Join(data, "seal.key"))
	must(t, err)
	if key.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %s", key.Mode())
	}
}

// unwritten searches the log and the files of a process for a secret. It expects to
// find the destination, to prove that the search covers the places where a secret would
// be.
func unwritten(t *testing.T, p *proc.Process, data, secret, destination string) {
	t.Helper()
	if logged := p.Log(); strings.Contains(logged, secret) {
		t.Errorf("the log holds a secret:\n%s", logged)
	}
	found := 0
	must(t, filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found += strings.Count(string(content), destination)
		if strings.Contains(string(content), secret) {
			t.Errorf("%s holds a secret", path)
		}
		return nil
	}))
	if found == 0 {
		t.Error("the files hold no destination: the search covers nothing")
	}
}
