package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// deployments are one process, and one for each service, each with an inbox.
var deployments = map[string]func(*testing.T) *App{
	"one process": func(t *testing.T) *App { return runApp(t, Config{Log: slog.New(slog.DiscardHandler)}) },
	"parts": func(t *testing.T) *App {
		log := slog.New(slog.DiscardHandler)
		nats, key := startNATS(t), filepath.Join(t.TempDir(), "seal.key")
		kittest.NoError(t, sealkey.Format.CreateKeyFile(key))
		runApp(t, Config{Services: []string{Directory, Alert}, NATSURL: nats, SealKeyFile: key, Log: log})
		runApp(t, Config{Services: []string{Inbox}, NATSURL: nats, Log: log})
		runApp(t, Config{Services: []string{Incident}, NATSURL: nats, Log: log})
		runApp(t, Config{Services: []string{Event}, NATSURL: nats, Log: log})
		runApp(t, Config{Services: []string{Sender}, NATSURL: nats, SealKeyFile: key, Log: log})
		return runApp(t, Config{Services: []string{Edge}, NATSURL: nats, Log: log})
	},
}

// incident returns an incident, with its timeline.
func (c inboxCaller) incident(id string) (incident map[string]any, kinds string) {
	c.t.Helper()
	res := c.must("GET", "/v1/incidents/"+id, "")
	for _, e := range res["entries"].([]any) {
		e := e.(map[string]any)
		kinds += fmt.Sprintf("%v by %v: %v\n", strings.TrimPrefix(e["kind"].(string), "INCIDENT_ENTRY_KIND_"), e["by"], e["text"])
	}
	return res["incident"].(map[string]any), kinds
}

// incidents returns the ids of incidents.
func (c inboxCaller) incidents(query string) (ids []string) {
	c.t.Helper()
	all, _ := c.must("GET", "/v1/incidents?"+query, "")["incidents"].([]any)
	for _, i := range all {
		ids = append(ids, i.(map[string]any)["id"].(string))
	}
	return ids
}

// lastText returns the text of the newest item of kim's inbox.
func (c inboxCaller) lastText() string {
	c.t.Helper()
	if items := c.items("nickName=kim"); len(items) > 0 {
		return items[0]
	}
	return ""
}

// TestIncident follows the life of an incident: it is opened by an alert, acknowledged, taken
// back, resolved by a person, and reopened, and whoever was notified of it is shown each of these.
func TestIncident(t *testing.T) {
	for name, run := range deployments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edge := "http://" + run(t).Addr(Edge)
			c := inboxCaller{t: t, edge: edge}
			awaitThat(t, "the edge is ready", func() bool { status, _ := c.call("GET", "/readyz", ""); return status == http.StatusOK })
			c.createUsers("kim", "lee")
			watched, err := incidentv1connect.NewIncidentServiceClient(http.DefaultClient, edge).WatchIncidents(t.Context(), &incidentv1.WatchIncidentsRequest{})
			kittest.NoError(t, err)
			defer watched.Close()
			next := func() *incidentv1.Incident {
				t.Helper()
				for {
					if !watched.Receive() {
						t.Fatal(watched.Err())
					}
					if all := watched.Msg().GetIncidents(); len(all) > 0 {
						return all[len(all)-1]
					}
				}
			}

			const firing = `{"target":["@kim"],"severity":"high","message":"disk is full","key":"disk of db1"}`
			id := c.must("POST", "/v1/alerts", firing)["id"].(string)
			kittest.Equal(t, next().GetId(), id)
			kittest.Equal(t, c.incidents("openOnly=true&key=disk%20of%20db1"), []string{id})
			awaitThat(t, "kim is notified", func() bool { return c.lastText() == "[high] disk is full" })

			acked := c.must("POST", "/v1/incidents/"+id+":ack", `{"by":"lee","comment":"on it"}`)["incident"].(map[string]any)
			kittest.Equal(t, [2]any{acked["state"], acked["ackBy"]}, [2]any{"INCIDENT_STATE_ACKNOWLEDGED", "lee"})
			awaitThat(t, "kim is shown the acknowledgment", func() bool { return c.lastText() == "[high] acknowledged: disk is full (by lee: on it)" })
			for last := next(); last.GetAckBy() != "lee"; last = next() {
			}
			c.must("POST", "/v1/incidents/"+id+":unack", `{"by":"lee"}`)
			awaitThat(t, "kim is shown that it is taken back", func() bool { return c.lastText() == "[high] no longer acknowledged: disk is full (by lee)" })
			c.must("POST", "/v1/incidents/"+id+":comment", `{"by":"lee","text":"replaced"}`)
			c.must("POST", "/v1/incidents/"+id+":resolve", `{"by":"lee"}`)
			awaitThat(t, "kim is shown the resolution", func() bool { return c.lastText() == "[high] resolved: disk is full (by lee)" })
			kittest.Equal(t, len(c.incidents("openOnly=true")), 0)
			kittest.Equal(t, len(c.items("nickName=lee")), 0) // is no target
			status, _ := c.call("POST", "/v1/incidents/"+id+":ack", `{}`)
			kittest.Equal(t, status, http.StatusBadRequest)

			c.must("POST", "/v1/alerts", firing)
			awaitThat(t, "it is reopened", func() bool {
				i, _ := c.incident(id)
				return i["state"] == "INCIDENT_STATE_FIRING" && i["reopenCount"] == any(float64(1))
			})
			c.must("POST", "/v1/alerts", `{"target":["@kim"],"severity":"high","message":"disk is full","key":"disk of db1","status":"ALERT_STATUS_RESOLVED"}`)
			awaitThat(t, "it is resolved by an alert", func() bool { i, _ := c.incident(id); return i["state"] == "INCIDENT_STATE_RESOLVED" })
			_, kinds := c.incident(id)
			kittest.Equal(t, kinds, "OPENED by : \nACKNOWLEDGED by lee: on it\nUNACKNOWLEDGED by lee: \nCOMMENTED by lee: replaced\nRESOLVED by lee: \nREOPENED by : \nRESOLVED by : \n")
		})
	}
}
