package alert_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestCallbackLoop checks that reports are sent within a second, in requests of at most 100, and
// what a request looks like.
func TestCallbackLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		stop := c.start(t)
		defer stop()
		time.Sleep(time.Minute)
		begin := time.Now()
		c.end(t, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(c.r.received()) != 1 || c.r.received()[0].at.Sub(begin) > time.Second {
			t.Fatalf("after a second: %+v", c.r.received())
		}
		var ids struct {
			Data struct {
				Deliveries []struct{ ReportID, AlertID, DeliveryID string }
			}
		}
		first := c.r.received()[0]
		must(t, json.Unmarshal([]byte(first.body), &ids))
		d := ids.Data.Deliveries[0]
		want := fmt.Sprintf(`{"type":"deliveries.updated","timestamp":"2000-01-01T00:01:00Z","data":{"deliveries":[{"reportId":"%s","alertId":"%s","deliveryId":"%s",`+
			`"nickName":"kim","messenger":"fax","state":"DELIVERY_STATE_FAILED","reason":"unknown_messenger","endTime":"2000-01-01T00:01:00Z"}]}}`,
			d.ReportID, d.AlertID, d.DeliveryID)
		if first.body != want {
			t.Errorf("got\n%s\nwant\n%s", first.body, want)
		}
		c.end(t, 1010)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 1011 {
			t.Errorf("%d deliveries are reported", len(n))
		}
		if n := len(c.r.received()); n != 12 {
			t.Errorf("%d requests for 1 and 1010 reports", n)
		}
		if c.counts.reports["sent"] != 1011 || c.counts.calls["sent"] != 12 {
			t.Errorf("counted are %v, %v", c.counts.reports, c.counts.calls)
		}
	})
}

// TestCallbackLoops runs two loops on one ledger, and a process that was killed after it took a
// turn: each report is sent once, those of the killed process after its lease.
func TestCallbackLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		c.end(t, 250)
		killed, ok, err := c.l.TakeCallbacks(t.Context(), time.Now(), time.Now().Add(30*time.Second), func(reports []alert.CallbackReport) (string, []byte) {
			var ids []string
			for _, r := range reports {
				ids = append(ids, fmt.Sprintf(`{"deliveryId":"%d"}`, r.DeliveryID))
			}
			return fmt.Sprint("killed-", reports[0].ID), []byte(`{"data":{"deliveries":[` + strings.Join(ids, ",") + `]}}`)
		})
		if err != nil || !ok || len(killed.Batches) != 3 {
			t.Fatal(killed, ok, err)
		}
		stops := []func(){c.start(t), c.start(t)}
		for range 20 {
			c.end(t, 30)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := c.r.accepted(); len(n) != 0 {
			t.Errorf("%d deliveries were reported in the lease of another process", len(n))
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		n := c.r.accepted()
		for id, times := range n {
			if times != 1 {
				t.Errorf("delivery %s is reported %d times", id, times)
			}
		}
		if len(n) != 850 || !slices.ContainsFunc(c.r.received(), func(r received) bool { return r.id == killed.Batches[2].ID }) {
			t.Errorf("%d deliveries are reported", len(n))
		}
		for _, stop := range stops {
			stop()
		}
	})
}

// TestCallbackLoopKeyRotation checks that secrets are sealed under a new primary key while the
// loop runs.
func TestCallbackLoopKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCallbackLedger(t)
		defer c.l.Close()
		stop := c.start(t)
		defer stop()
		added, err := sealkey.Format.RotateKeyFile(c.file, time.Now())
		must(t, err)
		if _, err := c.key.Reload(); err != nil {
			t.Fatal(err)
		}
		c.end(t, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		all, err := c.l.CallbackEndpoints(t.Context())
		must(t, err)
		if id, ok := seal.KeyIDOf(all[0].SealedSecret); !ok || id != added {
			t.Errorf("sealed under %d, want %d", id, added)
		}
		if n := c.r.accepted(); len(n) != 1 {
			t.Errorf("%d deliveries are reported", len(n))
		}
	})
}

// TestCallbackLoopGuard checks that an endpoint cannot lead into the network of the service.
func TestCallbackLoopGuard(t *testing.T) {
	t.Parallel()
	c := openCallbackLedger(t)
	defer c.l.Close()
	server := httptest.NewTLSServer(c.r)
	defer server.Close()
	must(t, c.l.DeleteCallbackEndpoint(t.Context(), "orders"))
	_, err := endpoints(c.l, c.key).CreateCallbackEndpoint(t.Context(), &alertv1.CreateCallbackEndpointRequest{Name: "orders", Url: server.URL})
	must(t, err)
	c.end(t, 1)
	c.counts.called = make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	loop := &alert.CallbackLoop{
		Store: c.l, Key: c.key, Metrics: c.counts, Now: time.Now, Jitter: c.jitter, Log: slog.New(slog.DiscardHandler),
		Endpoint: call.Endpoint{Client: call.NewClient(call.ClientConfig{}), Now: time.Now}.ForUserURL(),
	}
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx) }()
	select {
	case outcome := <-c.counts.called:
		if outcome != "failed" {
			t.Errorf("outcome is %s", outcome)
		}
	case <-time.After(waitTimeout):
		t.Error("no call")
	}
	cancel()
	must(t, <-done)
	if e := c.endpoint(t); !strings.HasPrefix(e.GetLastError(), "forbidden_address") || len(c.r.received()) != 0 {
		t.Errorf("%v, %d requests", e, len(c.r.received()))
	}
}
