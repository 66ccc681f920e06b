package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// An instance is an entry of GET /v1/instances.
type instance struct {
	ID, Name, URL, State, Reason, Version, Host string
	Services                                    []string
}

// instances returns the instances that an edge knows.
func instances(t *testing.T, edge string) []instance {
	t.Helper()
	status, answer := request(t, http.MethodGet, edge+"/v1/instances", "")
	var list struct{ Instances []instance }
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != http.StatusOK {
		t.Fatalf("GET /v1/instances: %d %s", status, answer)
	}
	return list.Instances
}

// awaitInstances waits until the instances that an edge knows are as wanted.
func awaitInstances(t *testing.T, edge, what string, wanted func([]instance) bool) {
	t.Helper()
	deadline := time.Now().Add(proc.Patience)
	var last []instance
	for time.Now().Before(deadline) {
		if last = instances(t, edge); wanted(last) {
			return
		}
		time.Sleep(20 * time.Millisecond) // between polls of another process
	}
	t.Fatalf("the edge does not know %s: %+v", what, last)
}

// countStates returns the number of instances by name and state.
func countStates(all []instance) map[string]int {
	count := map[string]int{}
	for _, i := range all {
		count[i.Name+" "+strings.ToLower(strings.TrimPrefix(i.State, "INSTANCE_STATE_"))]++
	}
	return count
}

// pairs are two processes of each of directory, alert and edge on one NATS server and two
// databases, which have no URL of each other.
type pairs struct {
	directories, alerts, edges []*proc.Process
	edgeURLs, alertURLs        []string
}

func startPairs(t *testing.T) *pairs {
	t.Helper()
	_, nats := binaries.NATS(t, t.TempDir(), -1)
	directory, ledger, key := postgrestest.URL(t), postgrestest.URL(t), makeKey(t)
	p := &pairs{}
	serve := func(name string, more ...string) (*proc.Process, string) {
		args := append([]string{"--services=" + name, "--" + name + "-addr=127.0.0.1:0", "--data=" + t.TempDir(), "--nats-url=" + nats}, more...)
		process := binaries.Serve(t, args...)
		return process, process.URLs(t, 1)[name]
	}
	for n := range 2 {
		one, _ := serve("directory", "--directory-url="+directory, "--seal-key-file="+key, fmt.Sprintf("--demo-data=%t", n == 0))
		p.directories = append(p.directories, one)
		one, url := serve("alert", "--ledger-url="+ledger, "--drain=3s")
		p.alerts, p.alertURLs = append(p.alerts, one), append(p.alertURLs, url)
		one, url = serve("edge")
		p.edges, p.edgeURLs = append(p.edges, one), append(p.edgeURLs, url)
	}
	for _, edge := range p.edgeURLs {
		awaitInstances(t, edge, "all six", func(all []instance) bool {
			return maps.Equal(countStates(all), map[string]int{"alert serving": 2, "directory serving": 2, "edge serving": 2})
		})
		awaitReady(t, edge, true)
	}
	return p
}

// load sends alerts with idempotency keys through both edges from several callers until stop is
// called, which returns the number of alerts and the responses other than 200.
func (p *pairs) load(t *testing.T) (stop func() (alerts int, failures []string)) {
	t.Helper()
	var callers sync.WaitGroup
	var ended atomic.Bool
	var mu sync.Mutex
	count := 0
	var failures []string
	for caller := range 4 {
		callers.Go(func() {
			for n := 0; !ended.Load(); n++ {
				body := fmt.Sprintf(`{"target":["@user1"],"message":"m","idempotencyKey":"%d/%d"}`, caller, n)
				status, answer := request(t, http.MethodPost, p.edgeURLs[(caller+n)%2]+"/v1/alerts", body)
				mu.Lock()
				count++
				if status != http.StatusOK {
					failures = append(failures, fmt.Sprintf("%s: %d %s", body, status, answer))
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, []string) {
		ended.Store(true)
		callers.Wait()
		return count, failures
	}
}

// TestRegistry runs two of each service that find one another by the registry only. Under a load
// of sends that may be repeated, one alert service is killed, and one is stopped: no caller
// sees an error, and the instances show it.
func TestRegistry(t *testing.T) {
	p := startPairs(t)
	for _, i := range instances(t, p.edgeURLs[0]) {
		if i.ID == "" || i.Version == "" || i.Host == "" || len(i.Services) == 0 || i.Reason != "" {
			t.Errorf("%+v", i)
		}
	}

	stop := p.load(t)
	killed, at := p.alertURLs[0], time.Now()
	p.alerts[0].Kill()
	for _, edge := range p.edgeURLs {
		awaitInstances(t, edge, "that one is lost", func(all []instance) bool {
			for _, i := range all {
				if i.URL == killed && i.State == "INSTANCE_STATE_SERVING" {
					return false
				}
			}
			return true
		})
	}
	if took := time.Since(at); took > 10*time.Second {
		t.Errorf("a killed instance was serving for %s", took)
	}
	if alerts, failures := stop(); len(failures) != 0 || alerts == 0 {
		t.Errorf("%d of %d callers saw the loss, such as %s", len(failures), alerts, failures[0])
	}
}

// TestRegistryDrains stops one of two alert services under load: it is draining, then gone, and
// no caller sees an error.
func TestRegistryDrains(t *testing.T) {
	p := startPairs(t)
	stop := p.load(t)
	p.alerts[0].Signal(t, syscall.SIGTERM)
	awaitInstances(t, p.edgeURLs[1], "that one drains", func(all []instance) bool {
		return maps.Equal(countStates(all), map[string]int{"alert serving": 1, "alert draining": 1, "directory serving": 2, "edge serving": 2})
	})
	if status, answer := request(t, http.MethodGet, p.alertURLs[0]+"/readyz", ""); status != http.StatusServiceUnavailable {
		t.Errorf("readiness of a process that drains: %d %s", status, answer)
	}
	if err := p.alerts[0].Wait(t); err != nil {
		t.Error(err)
	}
	awaitInstances(t, p.edgeURLs[1], "that one has left", func(all []instance) bool { return countStates(all)["alert draining"] == 0 })
	if alerts, failures := stop(); len(failures) != 0 || alerts == 0 {
		t.Errorf("%d of %d callers saw the stop, such as %s", len(failures), alerts, failures[0])
	}
	awaitReady(t, p.edgeURLs[0], true)
}
