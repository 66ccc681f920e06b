package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// maxEscalationDelay is how late a step may be after its time, or after the start of a process that
// takes it.
const maxEscalationDelay = 6 * time.Second

// An escalation is the part of an incident that is about its escalation.
type escalation struct {
	state string
	next  time.Time   // when the next step is due; zero for none
	steps []string    // that were taken, such as step 1 of 3: @user1
	times []time.Time // of steps
}

// escalation returns that of an incident, which may not be known yet.
func (d deployment) escalation(t *testing.T, id string) (e escalation) {
	t.Helper()
	status, answer := request(t, http.MethodGet, d.edge+"/v1/incidents/"+id, "")
	if status != http.StatusOK {
		return e
	}
	var res struct {
		Incident struct {
			State              string
			NextEscalationTime time.Time
		}
		Entries []struct {
			Kind, Text string
			Time       time.Time
		}
	}
	must(t, json.Unmarshal([]byte(answer), &res))
	e.state, e.next = res.Incident.State, res.Incident.NextEscalationTime
	for _, entry := range res.Entries {
		if entry.Kind == "INCIDENT_ENTRY_KIND_ESCALATED" {
			e.steps, e.times = append(e.steps, entry.Text), append(e.times, entry.Time)
		}
	}
	return e
}

// awaitSteps waits until steps of an incident were taken and their messages sent.
func (d deployment) awaitSteps(t *testing.T, id, message string, count int) escalation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		e := d.escalation(t, id)
		if sent := d.sentTo(t, message); len(e.steps) == count && len(sent) == count && d.areReported(t) {
			return e
		}
		look(ctx, t)
	}
}

// sentTo returns the number of messages with a text by their destination.
func (d deployment) sentTo(t *testing.T, text string) map[string]int {
	t.Helper()
	res, err := d.fakes().ListMessages(t.Context(), &mockupv1.ListMessagesRequest{Provider: "slack"})
	must(t, err)
	counts := map[string]int{}
	for _, m := range res.GetMessages() {
		if strings.Contains(m.GetText(), text) {
			counts[m.GetDestination()]++
		}
	}
	return counts
}

// areReported reports whether no delivery is queued or with a sender: a kill makes none twice.
func (d deployment) areReported(t *testing.T) bool {
	t.Helper()
	_, answer := request(t, http.MethodGet, d.edge+"/v1/alerts?pageSize=500", "")
	var list struct {
		Alerts []struct{ DeliveryCounts struct{ Queued, Held int } }
	}
	must(t, json.Unmarshal([]byte(answer), &list))
	for _, a := range list.Alerts {
		if a.DeliveryCounts.Queued+a.DeliveryCounts.Held > 0 {
			return false
		}
	}
	return true
}

// TestEscalationKill kills processes between the steps of an escalation: each step is taken once,
// at its time, and an acknowledgment ends the escalation.
func TestEscalationKill(t *testing.T) {
	t.Run("one process", func(t *testing.T) {
		d := deployment{mockup: binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0").URLs(t, 1)["mockup"]}
		addr := fmt.Sprintf("127.0.0.1:%d", proc.Port(t))
		args := []string{"--data=" + t.TempDir(), "--demo-data", "--edge-addr=" + addr, "--provider-url=" + d.mockup}
		p := binaries.Serve(t, args...)
		d.edge = p.URLs(t, 1)["edge"]
		testEscalationKill(t, d, func() {
			p.Kill()
			p = binaries.Serve(t, args...)
			p.URLs(t, 1)
			awaitReady(t, d.edge, true)
		})
	})
	t.Run("two incident services on PostgreSQL", func(t *testing.T) {
		d, database := sixProcesses(t), postgrestest.URL(t)
		start := func() *proc.Process {
			p := binaries.Serve(t, "--services=incident", "--data="+t.TempDir(), "--nats-url="+d.nats, "--incident-addr=127.0.0.1:0", "--incident-url="+database)
			p.URLs(t, 1)
			return p
		}
		current := []*proc.Process{start(), start()}
		awaitBoth := func() {
			awaitInstances(t, d.edge, "two incident services", func(all []instance) bool { return countStates(all)["incident serving"] == 2 })
		}
		awaitBoth()
		testEscalationKill(t, d, func() {
			current[0].Kill()
			current = []*proc.Process{current[1], start()}
			awaitBoth()
		})
	})
}

func testEscalationKill(t *testing.T, d deployment, kill func()) {
	status, answer := request(t, http.MethodPut, d.edge+"/v1/escalation-policies/night",
		`{"steps":[{"target":["@user1"],"wait":"0s"},{"target":["@user2"],"wait":"3s"},{"target":["@user3"],"wait":"6s"}]}`)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	open := func(key string) string {
		t.Helper()
		return d.send(t, fmt.Sprintf(`{"target":["@nobody"],"severity":"high","message":"%s is full","key":%q,"escalation":"night"}`, key, key)).ID
	}
	const disk = "disk of db1"
	id := open(disk)
	steps := []string{"step 1 of 3: @user1", "step 2 of 3: @user2", "step 3 of 3: @user3"}
	for n := 1; n < len(steps); n++ {
		due := d.awaitSteps(t, id, disk, n).next
		kill()
		earliest := time.Now()
		if due.After(earliest) {
			earliest = due
		}
		e := d.awaitSteps(t, id, disk, n+1)
		if taken := e.times[n]; taken.Before(due) || taken.After(earliest.Add(maxEscalationDelay)) {
			t.Errorf("step %d is due at %s and was taken at %s", n+1, due, taken)
		}
	}
	kill()
	if e := d.escalation(t, id); !slices.Equal(e.steps, steps) || !e.next.IsZero() {
		t.Errorf("%v", e)
	}

	// An acknowledgment ends it: a later escalation of the same steps overtakes it.
	acked := open("disk of db2")
	d.awaitSteps(t, acked, "disk of db2", 1)
	if status, answer := request(t, http.MethodPost, d.edge+"/v1/incidents/"+acked+":ack", `{"by":"kim"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	later := open("disk of db3")
	d.awaitSteps(t, later, "disk of db3", 1)
	kill()
	d.awaitSteps(t, later, "disk of db3", 2)
	if e := d.escalation(t, acked); !slices.Equal(e.steps, steps[:1]) || !e.next.IsZero() || e.state != "INCIDENT_STATE_ACKNOWLEDGED" {
		t.Errorf("%v", e)
	}
	for message, want := range map[string][]string{
		disk: {"USER1_CHANNEL_ID", "USER2_CHANNEL_ID", "USER3_CHANNEL_ID"}, "disk of db2": {"USER1_CHANNEL_ID"}, "disk of db3": {"USER1_CHANNEL_ID", "USER2_CHANNEL_ID"},
	} {
		sent := d.sentTo(t, message)
		if got := slices.Sorted(maps.Keys(sent)); !slices.Equal(got, want) {
			t.Errorf("%s: sent to %q, want %q", message, got, want)
		}
		for destination, count := range sent {
			if count != 1 {
				t.Errorf("%s: %d messages to %s", message, count, destination)
			}
		}
	}
}
