package e2e

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	incidentv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// disk is an alert that the silences of the tests match.
const disk = `{"target":["@user1"],"severity":"low","key":"disk of db1","message":"disk is full","renotify":true}`

func (d deployment) silences() incidentv1connect.SilenceServiceClient {
	return incidentv1connect.NewSilenceServiceClient(http.DefaultClient, d.edge)
}

// silence creates a silence of disk, and waits until an alert is silenced, whose id it returns.
func (d deployment) silence(t *testing.T, end time.Time) (silence, alert string) {
	t.Helper()
	res, err := d.silences().CreateSilence(t.Context(), &incidentv1.CreateSilenceRequest{
		Matchers: []string{"severity=low", `key=~"disk.*"`}, EndTime: timestamppb.New(end), Reason: "test",
	})
	must(t, err)
	created := time.Now()
	for {
		alert = d.send(t, disk).ID
		if d.get(t, alert).GetAlert().GetSilenceId() == res.GetSilence().GetId() {
			return res.GetSilence().GetId(), alert
		}
		if time.Since(created) > 5*time.Second {
			t.Fatal("the silence does not apply")
		}
		look(t.Context(), t)
	}
}

// awaitNoSilence sends alerts until one is not silenced, and returns it.
func (d deployment) awaitNoSilence(t *testing.T) *alertv1.Alert {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		if a := d.get(t, d.send(t, disk).ID).GetAlert(); a.GetSilenceId() == "" {
			return a
		}
		look(ctx, t)
	}
}

// requireSilenced checks that the deliveries of an alert are canceled as silenced.
func (d deployment) requireSilenced(t *testing.T, id string) {
	t.Helper()
	ds := d.get(t, id).GetDeliveries()
	if len(ds) == 0 || slices.ContainsFunc(ds, func(d *alertv1.Delivery) bool {
		return d.GetState() != alertv1.DeliveryState_DELIVERY_STATE_CANCELED || d.GetReason() != "silenced" || len(d.GetAttempts()) > 0
	}) {
		t.Errorf("%v", ds)
	}
}

// withIncidents runs an incident service in a process of its own, beside those of sixProcesses.
func withIncidents(t *testing.T) (d deployment, start func() *proc.Process) {
	t.Helper()
	d = sixProcesses(t)
	data := t.TempDir()
	return d, func() *proc.Process {
		t.Helper()
		p := binaries.Serve(t, "--services=incident", "--data="+data, "--nats-url="+d.nats, "--incident-addr=127.0.0.1:0")
		p.URLs(t, 1)
		awaitInstances(t, d.edge, "the incident service", func(all []instance) bool { return countStates(all)["incident serving"] > 0 })
		return p
	}
}

// TestSilence silences alerts, replays them, and lets silences end by a call and by their time.
func TestSilence(t *testing.T) {
	t.Run("one process", func(t *testing.T) { silenceLife(t, oneProcess(t)) })
	t.Run("one process on PostgreSQL", func(t *testing.T) {
		silenceLife(t, oneProcess(t, "--directory-url="+postgrestest.URL(t), "--ledger-url="+postgrestest.URL(t), "--incident-url="+postgrestest.URL(t)))
	})
	t.Run("seven processes", func(t *testing.T) {
		d, start := withIncidents(t)
		start()
		silenceLife(t, d)
	})
}

func silenceLife(t *testing.T, d deployment) {
	d.reset(t)
	id, alert := d.silence(t, time.Now().Add(time.Hour))
	d.requireSilenced(t, alert)
	calls := len(d.calls(t)) // of alerts before the silence applied

	urgent := d.send(t, `{"target":["@user1"],"severity":"high","key":"disk of db2","message":"disk is full"}`).ID
	allSent(t, d.ended(t, urgent))
	if got := len(d.calls(t)); got != calls+1 {
		t.Errorf("%d calls, want %d", got, calls+1)
	}

	preview, err := d.silences().PreviewSilence(t.Context(), &incidentv1.PreviewSilenceRequest{Matchers: []string{`severity=~".+"`}})
	must(t, err)
	if preview.GetAlertCount() < 2 || preview.GetAlertCount() != preview.GetTotalCount() || preview.GetAlerts()[0].GetId() != urgent || preview.GetBroad() == "" {
		t.Errorf("%v", preview)
	}

	status, answer := request(t, http.MethodPost, d.edge+"/v1/deliveries:replay", `{"filter":{"alertId":"`+alert+`"}}`)
	if status != http.StatusOK || answer != `{"replayedCount":0}` {
		t.Errorf("%d %s", status, answer)
	}
	status, answer = request(t, http.MethodPost, d.edge+"/v1/deliveries:replay", `{"filter":{"alertId":"`+alert+`","reason":"silenced"}}`)
	if status != http.StatusOK || answer != `{"replayedCount":1}` {
		t.Errorf("%d %s", status, answer)
	}
	allSent(t, d.ended(t, alert))
	if res := d.get(t, alert); res.GetAlert().GetSilenceId() != id {
		t.Errorf("%v", res)
	}

	if status, answer := request(t, http.MethodDelete, d.edge+"/v1/silences/"+id, ""); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	allSent(t, d.ended(t, d.awaitNoSilence(t).GetId()))

	end := time.Now().Add(4 * time.Second)
	d.silence(t, end)
	if a := d.awaitNoSilence(t); a.GetCreateTime().AsTime().Before(end.Truncate(time.Microsecond)) {
		t.Errorf("an alert of %s is not silenced, the silence ends at %s", a.GetCreateTime().AsTime(), end)
	}
	for _, body := range []string{
		`{"matchers":["severity="],"reason":"r"}`, `{"matchers":["a"],"reason":"r","endTime":"2999-01-01T00:00:00Z"}`,
		`{"matchers":["key=~\".*\""],"reason":"r","endTime":"` + time.Now().Add(time.Hour).Format(time.RFC3339) + `"}`,
	} {
		if status, answer := request(t, http.MethodPost, d.edge+"/v1/silences", body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
}

// TestSilenceWithoutIncidentService kills the incident service: the alert service applies the
// silences that it knows, until their end, and follows a new process.
func TestSilenceWithoutIncidentService(t *testing.T) {
	d, start := withIncidents(t)
	process := start()
	end := time.Now().Add(8 * time.Second)
	d.silence(t, end)
	process.Kill()
	<-process.Ended()
	d.requireSilenced(t, d.send(t, disk).ID)
	if a := d.awaitNoSilence(t); a.GetCreateTime().AsTime().Before(end.Truncate(time.Microsecond)) {
		t.Errorf("an alert of %s is not silenced, the silence ends at %s", a.GetCreateTime().AsTime(), end)
	}
	start()
	_, alert := d.silence(t, time.Now().Add(time.Hour))
	d.requireSilenced(t, alert)
}
