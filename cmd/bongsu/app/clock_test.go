package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/sender"
)

// A steppedClock is the system clock with an offset.
type steppedClock struct{ ahead atomic.Int64 }

func (c *steppedClock) now() time.Time          { return time.Now().Round(0).Add(time.Duration(c.ahead.Load())) }
func (c *steppedClock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

// natsServer runs a NATS server until the test ends, and returns its URL.
func natsServer(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s.ClientURL()
}

// runApp runs a process until the test ends.
func runApp(t *testing.T, c Config) *App {
	t.Helper()
	for _, s := range services {
		*s.addr(&c) = "127.0.0.1:0"
	}
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	c.Edge.Admission.AddressLimit = "off" // tests poll
	if c.Drain == nil {
		c.Drain = new(time.Duration) // no other process takes over: with NATS each stop would take 5 s
	}
	a, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return a
}

// get sends a request to a process and returns the status and the body of the response.
func get(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(all)
}

// awaitThat polls until a condition holds, for at most 30 s, and returns the time
// that took.
func awaitThat(t *testing.T, what string, so func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !so() {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("after %s: the condition does not hold: %s", time.Since(start), what)
		}
		time.Sleep(10 * time.Millisecond) // there is no event to wait for
	}
	return time.Since(start)
}

// sendTo sends an alert to user1 and returns how long its delivery took.
func sendTo(t *testing.T, edge, message string) time.Duration {
	t.Helper()
	return awaitSent(t, edge, postAlert(t, edge, fmt.Sprintf(`{"target":["@user1"],"message":%q}`, message)))
}

// postAlert sends an alert and returns its id.
func postAlert(t *testing.T, edge, alert string) string {
	t.Helper()
	status, body := get(t, http.MethodPost, edge+"/v1/alerts", alert)
	if status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	_, rest, _ := strings.Cut(body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// awaitSent waits until all deliveries of an alert are sent, and returns how long that took.
func awaitSent(t *testing.T, edge, id string) time.Duration {
	t.Helper()
	return awaitThat(t, "the delivery is sent", func() bool {
		_, body := get(t, http.MethodGet, edge+"/v1/alerts/"+id, "")
		return strings.Contains(body, "DELIVERY_STATE_SENT") && !strings.Contains(body, "DELIVERY_STATE_QUEUED") && !strings.Contains(body, "DELIVERY_STATE_CLAIMED")
	})
}

// TestSenderWithAWrongClock checks that a sender whose clock differs from that of the
// alert service sends on time, also above a rate limit; it logs one error, and is not
// ready until its clock is corrected.
func TestSenderWithAWrongClock(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 25 * time.Second, -time.Hour} { // 25 s is more than lease - timeout
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			nats, key := natsServer(t), filepath.Join(t.TempDir(), "seal.key")
			if err := sealkey.Format.CreateKeyFile(key); err != nil {
				t.Fatal(err)
			}
			rest := runApp(t, Config{Services: []string{Edge, Directory, Alert, Mockup}, NATSURL: nats, SealKeyFile: key, Directory: directory.Config{DemoData: true}, Log: slog.New(slog.DiscardHandler)})
			var logged logtest.Buffer
			clock := &steppedClock{}
			clock.set(ahead)
			apart := runApp(t, Config{
				Services: []string{Sender}, NATSURL: nats, SealKeyFile: key, AlertURL: "http://" + rest.Addr(Alert), Providers: ProviderConfig{URL: "http://" + rest.Addr(Mockup)},
				Sender: sender.Config{CredentialLimit: "1/s"}, Now: clock.now, Log: slog.New(slog.NewTextHandler(&logged, nil)),
			})
			edge, ready := "http://"+rest.Addr(Edge), "http://"+apart.Addr(Sender)+"/readyz"
			sendTo(t, edge, "one")
			if took := sendTo(t, edge, "over the limit") + sendTo(t, edge, "again"); took > 10*time.Second {
				t.Errorf("two more deliveries took %s", took)
			}
			if status, body := get(t, http.MethodGet, ready, ""); status == http.StatusOK {
				t.Errorf("the sender is ready: %s", body)
			}
			if n := logged.Count("level=ERROR"); n != 1 || !strings.Contains(logged.String(), "sender clock differs from the alert service clock") {
				t.Errorf("it logged %d errors:\n%s", n, logged.String())
			}
			clock.set(0)
			awaitThat(t, "the sender is ready", func() bool { status, _ := get(t, http.MethodGet, ready, ""); return status == http.StatusOK })
			if took := sendTo(t, edge, "right"); took > 10*time.Second {
				t.Errorf("with a correct clock a delivery took %s", took)
			}
		})
	}
}

// TestClockCorrected runs one process with a clock an hour ahead, corrects it, and
// starts again: deliveries under a rate limit are sent within seconds each time.
func TestClockCorrected(t *testing.T) {
	data := t.TempDir()
	clock := &steppedClock{}
	clock.set(time.Hour)
	start := func(t *testing.T) string {
		t.Helper()
		return "http://" + runApp(t, Config{
			Services: []string{"all", Mockup}, Data: data, Sender: sender.Config{CredentialLimit: "1/s"}, Directory: directory.Config{DemoData: true}, Now: clock.now, Log: slog.New(slog.DiscardHandler),
		}).Addr(Edge)
	}
	send := func(t *testing.T, edge, when string) {
		t.Helper()
		for n := range 3 { // one slot after the other
			if took := sendTo(t, edge, fmt.Sprintf("%s %d", when, n)); took > 10*time.Second {
				t.Errorf("%s: the delivery took %s", when, took)
			}
		}
	}
	t.Run("the clock steps back at run time", func(t *testing.T) {
		edge := start(t)
		send(t, edge, "ahead")
		clock.set(0)
		send(t, edge, "right")
		clock.set(time.Hour)
		send(t, edge, "ahead again")
	})
	clock.set(0)
	t.Run("the clock steps back before the start", func(t *testing.T) { send(t, start(t), "right") })
}
