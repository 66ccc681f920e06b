package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// awaitReady waits until a service is ready, or not ready.
func awaitReady(t *testing.T, url string, ready bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		if status, _ := request(t, http.MethodGet, url+"/readyz", ""); (status == http.StatusOK) == ready {
			return
		}
		look(ctx, t)
	}
}

// connectedIs checks the gauge of the connection to the broker.
func connectedIs(t *testing.T, url, value string) {
	t.Helper()
	if _, page := request(t, http.MethodGet, url+"/metrics", ""); !strings.Contains(page, "\nbongsu_queue_connected "+value+"\n") {
		t.Errorf("%s: bongsu_queue_connected is not %s", url, value)
	}
}

// TestNATSUnreachable starts all services without a NATS server: an alert is accepted and
// recorded, the sender is not ready, and the metrics show both. When the server starts
// the alert is sent. When it stops and returns, each process logs both once.
func TestNATSUnreachable(t *testing.T) {
	port, dir := proc.Port(t), t.TempDir()
	d := deployment{nats: fmt.Sprintf("nats://127.0.0.1:%d", port), key: makeKey(t), parts: map[string]*proc.Process{}}
	service := func(name string, args ...string) string {
		t.Helper()
		d.parts[name] = binaries.Serve(t, append(append(args, "--services="+name, "--data="+t.TempDir()), anywhere...)...)
		return d.parts[name].URLs(t, 1)[name]
	}
	d.mockup = service("mockup")
	d.directory = service("directory", "--demo-data", "--seal-key-file="+d.key)
	d.alert = service("alert", "--directory-service-url="+d.directory, "--nats-url="+d.nats)
	d.edge = service("edge", "--directory-service-url="+d.directory, "--alert-url="+d.alert)
	d.sender = service("sender", "--alert-url="+d.alert, "--nats-url="+d.nats, "--provider-url="+d.mockup, "--seal-key-file="+d.key)

	check := func(connected bool) {
		t.Helper()
		value := map[bool]string{true: "1", false: "0"}[connected]
		awaitReady(t, d.sender, connected)
		awaitReady(t, d.alert, true) // it records alerts
		connectedIs(t, d.sender, value)
		connectedIs(t, d.alert, value)
	}
	id := d.send(t, `{"target":["@user1"],"message":"recorded"}`).ID
	check(false)
	server, _ := binaries.NATS(t, dir, port)
	allSent(t, d.ended(t, id))
	check(true)
	server.Kill()
	check(false)
	id = d.send(t, `{"target":["@user1"],"message":"recorded, too"}`).ID
	binaries.NATS(t, dir, port)
	allSent(t, d.ended(t, id))
	check(true)
	for _, name := range []string{"alert", "sender"} {
		logged := d.parts[name].Log()
		for what, most := range map[string]int{
			"no NATS server is reachable": 1, "NATS connected\"": 1, "NATS disconnected": 1, "NATS connected again": 1,
			"jobs cannot be taken from the queue": 2, "limiter state cannot be watched": 2, `"level":"WARN"`: 8, `"level":"ERROR"`: 4,
		} {
			if got := strings.Count(logged, what); got > most || got == 0 && strings.HasPrefix(what, "NATS ") {
				t.Errorf("the %s service logged %q %d times:\n%s", name, what, got, logged)
			}
		}
	}
}

// TestOneAlertServiceStopped stops one of two alert services on one ledger with
// SIGSTOP, with a sender at each: the other sender sends everything, long before a
// lease expires or the queue redelivers. After SIGCONT its sender takes jobs again.
func TestOneAlertServiceStopped(t *testing.T) {
	d, startSender := withoutSender(t)
	ledger := postgrestest.URL(t)
	service := func(name string, args ...string) (string, *proc.Process) {
		t.Helper()
		p := binaries.Serve(t, append(append(args, "--services="+name, "--data="+t.TempDir()), anywhere...)...)
		return p.URLs(t, 1)[name], p
	}
	first, _ := service("alert", "--directory-service-url="+d.directory, "--nats-url="+d.nats, "--ledger-url="+ledger)
	second, stopped := service("alert", "--directory-service-url="+d.directory, "--nats-url="+d.nats, "--ledger-url="+ledger)
	must(t, d.parts["alert"].Stop(t)) // it had another ledger
	d.edge, _ = service("edge", "--directory-service-url="+d.directory, "--alert-url="+first)
	startSender("--alert-url=" + first)
	silent := startSender("--alert-url=" + second)
	d.createUsers(t, "many", "xoxb-many", 200)
	awaitReady(t, silent, true)

	stopped.Signal(t, syscall.SIGSTOP)
	defer stopped.Signal(t, syscall.SIGCONT)
	start := time.Now()
	for n := range 5 { // one by one, so that each sender has some in flight
		allSent(t, d.ended(t, d.send(t, fmt.Sprintf(`{"target":["@all"],"message":"m%d"}`, n)).ID))
	}
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("the deliveries took %s", took)
	} else {
		t.Logf("the deliveries took %s", took)
	}
	stopped.Signal(t, syscall.SIGCONT)
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for !strings.Contains(d.parts["sender"].Log(), "alert service responds again") {
		look(ctx, t)
	}
	allSent(t, d.ended(t, d.send(t, `{"target":["@all"],"message":"again"}`).ID))
}

// TestLimitSwitchedOff lets a backlog of a minute wait for its slots, and restarts the
// process with the rate limit off or raised: the backlog does not keep its old slots.
func TestLimitSwitchedOff(t *testing.T) {
	for _, limit := range []string{"off", "50/s"} {
		t.Run(limit, func(t *testing.T) {
			data := t.TempDir()
			d, p := startWithLimit(t, data, "--credential-limit=1/s", "--destination-limit=off")
			d.createUsers(t, "slow", "xoxb-slow", 60)
			id := d.send(t, `{"target":["@all"],"message":"m"}`).ID
			ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
			defer cancel()
			for len(d.calls(t)) < 3 {
				look(ctx, t)
			}
			must(t, p.Stop(t))
			d, _ = startWithLimit(t, data, "--credential-limit="+limit, "--destination-limit=off")
			start := time.Now()
			allSent(t, d.endedWithin(t, id, 30*time.Second))
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("the backlog took %s", took)
			} else {
				t.Logf("the backlog took %s", took)
			}
		})
	}
}
