package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// incidentStates returns the state of each incident by its key.
func (d deployment) incidentStates(t *testing.T) map[string]string {
	t.Helper()
	_, answer := request(t, http.MethodGet, d.edge+"/v1/incidents?pageSize=500", "")
	var list struct{ Incidents []struct{ Key, State string } }
	must(t, json.Unmarshal([]byte(answer), &list))
	states := map[string]string{}
	for _, i := range list.Incidents {
		states[i.Key] = i.State
	}
	return states
}

// acknowledgments returns the number of acknowledged alerts by their key.
func (d deployment) acknowledgments(t *testing.T) map[string]int {
	t.Helper()
	_, answer := request(t, http.MethodGet, d.edge+"/v1/alerts?pageSize=500", "")
	var list struct{ Alerts []struct{ Key, Status string } }
	must(t, json.Unmarshal([]byte(answer), &list))
	counts := map[string]int{}
	for _, a := range list.Alerts {
		if a.Status == "ALERT_STATUS_ACKNOWLEDGED" {
			counts[a.Key]++
		}
	}
	return counts
}

// TestIncidentKill kills incident services while incidents are opened and acknowledged: the other
// one goes on, every incident is opened, and each acknowledgment becomes one alert.
func TestIncidentKill(t *testing.T) {
	_, nats := binaries.NATS(t, t.TempDir(), -1)
	database, key := postgrestest.URL(t), makeKey(t)
	serve := func(services string, more ...string) *proc.Process {
		args := append([]string{"--services=" + services, "--data=" + t.TempDir(), "--nats-url=" + nats, "--incident-addr=127.0.0.1:0"}, anywhere...)
		return binaries.Serve(t, append(args, more...)...)
	}
	startIncident := func() *proc.Process {
		p := serve("incident", "--incident-url="+database)
		p.URLs(t, 1)
		return p
	}
	d := deployment{edge: serve("edge,directory,alert,sender", "--seal-key-file="+key).URLs(t, 4)["edge"]}
	first, second := startIncident(), startIncident()
	awaitReady(t, d.edge, true)
	awaitInstances(t, d.edge, "two incident services", func(all []instance) bool { return countStates(all)["incident serving"] == 2 })

	const rounds, each = 2, 10
	current := []*proc.Process{first, second}
	var ids, keys []string
	await := func(holds func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		defer cancel()
		for !holds() {
			look(ctx, t)
		}
	}
	for round := range rounds {
		ids, keys = nil, nil
		for n := range each {
			if n == each/2 {
				current[0].Kill() // one of the two rounds kills the one that follows the changes
			}
			keys = append(keys, fmt.Sprintf("disk %d of round %d", n, round))
			ids = append(ids, d.send(t, fmt.Sprintf(`{"target":["@nobody"],"message":"full","key":%q}`, keys[n])).ID)
		}
		await(func() bool { return len(d.incidentStates(t)) == each*(round+1) })
		current = []*proc.Process{current[1], startIncident()}
		awaitInstances(t, d.edge, "two incident services", func(all []instance) bool { return countStates(all)["incident serving"] == 2 })

		var acks sync.WaitGroup
		for _, id := range ids {
			acks.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
				defer cancel()
				for {
					if status, _ := request(t, http.MethodPost, d.edge+"/v1/incidents/"+id+":ack", `{"by":"kim"}`); status == http.StatusOK {
						return
					}
					look(ctx, t)
				}
			})
		}
		current[0].Kill()
		acks.Wait()
		await(func() bool { return len(d.acknowledgments(t)) == each*(round+1) })
		current = []*proc.Process{current[1], startIncident()}
	}
	for key, count := range d.acknowledgments(t) { // what a process claimed in the first round has ended since
		if count != 1 {
			t.Errorf("%s: %d acknowledgments, want one", key, count)
		}
	}
	for key, state := range d.incidentStates(t) {
		if state != "INCIDENT_STATE_ACKNOWLEDGED" {
			t.Errorf("%s: %s, want it acknowledged", key, state)
		}
	}
}
