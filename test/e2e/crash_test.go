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

// TestKill kills the process at once after the last answer: what was accepted is
// delivered by the next process, and what was sent twice is marked.
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
	t.Logf("%d deliveries, %d seen twice, %d marked", 2*alerts, twice, marked)
	if len(seen) != 2*alerts || twice > marked {
		t.Errorf("Slack saw %d of %d deliveries, %d twice, of which at most %d are marked", len(seen), 2*alerts, twice, marked)
	}
}

// endedLate is ended for deliveries that wait for a lease of the dead first.
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

// TestStop asks the process to end while calls are under way: they finish and are
// reported, and nothing is left half done.
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
	for len(d.calls(t)) < 9 { // all are under way
		look(ctx, t)
	}
	if err := first.Stop(t); err != nil {
		t.Fatalf("it ended with %v\n%s", err, first.Said())
	}

	d.edge = binaries.Serve(t, args...).URLs(t, 1)["edge"]
	for _, delivery := range d.ended(t, id) {
		if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || len(delivery.GetAttempts()) != 1 {
			t.Errorf("%v", delivery)
		}
	}
	if calls := d.calls(t); len(calls) != 9 {
		t.Errorf("Slack got %d calls", len(calls))
	}
}

// TestSecretsStaySealed searches all that a process writes for the tokens.
func TestSecretsStaySealed(t *testing.T) {
	data := t.TempDir()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]
	p := binaries.Serve(t, "--data="+data, "--demo-data", "--log-level=debug", "--edge-addr=127.0.0.1:0", "--provider-url="+mockup)
	d := deployment{edge: p.URLs(t, 1)["edge"], mockup: mockup}
	d.ended(t, d.send(t, `{"target":["@all"],"message":"m"}`).ID)
	for _, path := range []string{"/v1/users", "/v1/users/user1", "/v1/alerts"} {
		if _, answer := ask(t, http.MethodGet, d.edge+path, ""); strings.Contains(answer, "SLACK-USER") {
			t.Errorf("%s answers %s", path, answer)
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

// unwritten searches all that a process has written, its log and its files, for a word
// of secrets. Where destinations stand, secrets would.
func unwritten(t *testing.T, p *proc.Process, data, secret, destination string) {
	t.Helper()
	if said := p.Said(); strings.Contains(said, secret) {
		t.Errorf("the log says\n%s", said)
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
		t.Error("the files hold no destination: the search proves nothing")
	}
}
