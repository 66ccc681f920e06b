package e2e

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestTwoThousandWatchers watches one alert and many with 2,000 calls (usually 500):
// they take little memory, alerts are accepted and sent as quickly as without them, and
// all of them receive the final states.
func TestTwoThousandWatchers(t *testing.T) {
	watchers, alerts := testenv.Pick(500, 2000), testenv.Pick(50, 200)
	p := binaries.Serve(t, append([]string{"--services=all,mockup", "--demo-data", "--data=" + t.TempDir()}, anywhere...)...)
	urls := p.URLs(t, 5)
	d := deployment{edge: urls["edge"], mockup: urls["mockup"]}
	d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}, BodyContains: "USER7_CHANNEL_ID"})
	ids := make([]string, alerts)
	for i := range ids {
		ids[i] = d.send(t, `{"target":["@user7"],"message":"m"}`).ID
	}
	before := memory(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 2*proc.Patience)
	defer cancel()
	client := alertv1connect.NewAlertServiceClient(http2Client(), d.edge)
	var watching, seen sync.WaitGroup
	for i := range watchers {
		id := ids[0]
		if i%2 == 1 {
			id = ids[i%alerts]
		}
		watching.Add(1)
		seen.Go(func() {
			stream, err := client.WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: id})
			if err != nil || !stream.Receive() {
				t.Errorf("watcher %d: %v", i, err)
				watching.Done()
				return
			}
			watching.Done()
			last := stream.Msg().GetDeliveryCounts()
			for stream.Receive() {
				last = stream.Msg().GetDeliveryCounts()
			}
			if err := stream.Err(); err != nil || last.GetCanceled() != 1 {
				t.Errorf("watcher %d last received %v, %v", i, last, err)
			}
			_ = stream.Close()
		})
	}
	watching.Wait()
	grown := memory(t, p) - before
	var slowest time.Duration
	for range 20 {
		start := time.Now()
		d.ended(t, d.send(t, `{"target":["@user1"],"message":"m"}`).ID)
		slowest = max(slowest, time.Since(start))
	}
	start := time.Now()
	for _, id := range ids {
		_, err := client.CancelAlert(ctx, &alertv1.CancelAlertRequest{Id: id})
		must(t, err)
	}
	canceled := time.Since(start)
	seen.Wait()
	t.Logf("%d watchers took %d MB; the slowest of 20 alerts took %s; %d alerts were canceled in %s, and all received it within %s",
		watchers, grown>>20, slowest, alerts, canceled, time.Since(start))
	if grown > 150<<20/2000*watchers {
		t.Errorf("%d watchers took %d MB", watchers, grown>>20)
	}
	if slowest > 3*time.Second {
		t.Errorf("with %d watchers an alert took %s", watchers, slowest)
	}
}

// TestAlertToManyPeople sends an alert to 100,000 users (usually 20,000): responses
// about it have pages, and 12 concurrent callers, and watchers, take little memory and
// time.
func TestAlertToManyPeople(t *testing.T) {
	people := testenv.Pick(20_000, 100_000)
	_, nats := binaries.NATS(t, t.TempDir(), -1) // without a sender, whose work would disturb the measurement
	p := binaries.Serve(t, append([]string{"--services=directory,alert,edge", "--nats-url=" + nats, "--seal-key-file=" + makeKey(t), "--data=" + t.TempDir()}, anywhere...)...)
	d := deployment{edge: p.URLs(t, 3)["edge"]}
	var file bytes.Buffer
	file.WriteString("nickname,messenger,destination,credential,groups\n")
	for i := range people {
		n := strconv.Itoa(i)
		file.WriteString("someone" + n + ",slack,CHANNEL" + n + ",SECRET,team\n")
	}
	path := t.TempDir() + "/people.csv"
	must(t, os.WriteFile(path, file.Bytes(), 0o600))
	bongsu(t, "import", "--timeout=5m", "--server="+d.edge, path)
	id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
	before := peakMemory(t, p)

	client := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, connect.WithGRPC())
	t.Run("GetAlert, 12 at once", func(t *testing.T) {
		spent := processorTime(t, p)
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				status, answer := request(t, http.MethodGet, d.edge+"/v1/alerts/"+id, "")
				if status != http.StatusOK || len(answer) > 1<<20 {
					t.Errorf("%d with %d bytes", status, len(answer))
				}
			})
		}
		all.Wait()
		spent = processorTime(t, p) - spent
		t.Logf("12 at once took %s of CPU time", spent)
		if spent > 2*time.Second+8*time.Second*time.Duration(people)/100_000 {
			t.Errorf("12 at once took %s of CPU time", spent)
		}
		res := d.get(t, id)
		if n := int(res.GetAlert().GetUserCount()); n != people || len(res.GetDeliveries()) != 1000 || res.GetNextPageToken() == "" {
			t.Errorf("%d of %d deliveries, token %q", len(res.GetDeliveries()), n, res.GetNextPageToken())
		}
	})
	t.Run("ListDeliveries", func(t *testing.T) {
		seen := map[string]bool{}
		for token := ""; ; {
			res, err := client.ListDeliveries(t.Context(), &alertv1.ListDeliveriesRequest{AlertId: id, PageSize: 1000, PageToken: token})
			must(t, err)
			for _, one := range res.GetDeliveries() {
				seen[one.GetNickName()] = true
			}
			if token = res.GetNextPageToken(); token == "" {
				break
			}
		}
		if len(seen) != people {
			t.Errorf("%d users", len(seen))
		}
		late := strconv.Itoa(people - 1)
		status, answer := request(t, http.MethodGet, d.edge+"/v1/alerts/"+id+"/deliveries?nickName=someone"+late, "")
		if status != http.StatusOK || !bytes.Contains([]byte(answer), []byte(`"destination":"CHANNEL`+late+`"`)) || len(answer) > 4<<10 {
			t.Errorf("%d %.500s", status, answer)
		}
	})
	t.Run("ResolveTargets", func(t *testing.T) {
		res, err := client.ResolveTargets(t.Context(), &alertv1.ResolveTargetsRequest{Target: []string{"@all"}, PageToken: strconv.Itoa(people - 500)})
		must(t, err)
		if int(res.GetUserCount()) != people || len(res.GetRecipients()) != 500 || res.GetNextPageToken() != "" {
			t.Errorf("%d of %d recipients", len(res.GetRecipients()), res.GetUserCount())
		}
	})
	t.Run("WatchAlert", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var first, all sync.WaitGroup
		for range 4 {
			first.Add(1)
			all.Go(func() {
				stream, err := client.WatchAlert(ctx, &alertv1.WatchAlertRequest{Id: id})
				must(t, err)
				states, watched := map[string]alertv1.DeliveryState{}, sync.OnceFunc(first.Done)
				defer watched()
				for stream.Receive() {
					if n := len(stream.Msg().GetDeliveries()); n > 500 {
						t.Errorf("a stream message of %d deliveries", n)
					}
					for _, one := range stream.Msg().GetDeliveries() {
						if states[one.GetId()] = one.GetState(); len(states) == people {
							watched()
						}
					}
				}
				must(t, stream.Err())
				for _, state := range states {
					if state != alertv1.DeliveryState_DELIVERY_STATE_CANCELED {
						t.Errorf("a delivery has the final state %s", state)
						return
					}
				}
			})
		}
		first.Wait()
		_, err := client.CancelAlert(ctx, &alertv1.CancelAlertRequest{Id: id})
		must(t, err)
		all.Wait()
	})
	t.Logf("memory grew by %d MB", (peakMemory(t, p)-before)>>20)
	if grown := peakMemory(t, p) - before; grown > 250<<20/100_000*people {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
}
