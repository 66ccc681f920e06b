package e2e

import (
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// A watchedTarget is a target that fails and heals.
type watchedTarget struct {
	name   string
	reason string // is in the message of the result that finds it down
	// watch starts it, and sets the check.
	watch func(t *testing.T, a *authority, s *monitorv1.MonitorSettings) (fail, heal func())
}

var watchedTargets = []watchedTarget{
	{"http-killed", "connection refused", watchKilled},
	{"http-slow", "above 1s", watchSlow},
	{"http-cut-off", "timeout", watchCutOff},
	{"certificate", "expires in 4 days", watchCertificate},
	{"nats-lost", "servers: 2, below 3", watchNATS},
}

// serveMonitored runs all services in one process that trusts an authority.
func serveMonitored(t *testing.T, a *authority, more ...string) deployment {
	t.Helper()
	args := append([]string{"--services=all,mockup", "--demo-data", "--data=" + t.TempDir(), "--monitor-private"}, anywhere...)
	cmd := binaries.ServeCommand(append(args, more...)...)
	cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+a.file)
	urls := proc.Start(t, cmd).URLs(t, 5)
	d := deployment{edge: urls["edge"], alert: urls["alert"], mockup: urls["mockup"]}
	awaitReady(t, d.edge, true)
	return d
}

// TestMonitorAlarms lets targets of several kinds fail: each failure and each recovery is seen within
// its time, and people are told of each once.
func TestMonitorAlarms(t *testing.T) {
	t.Parallel()
	t.Run("one process", func(t *testing.T) {
		a := newAuthority(t)
		monitorAlarms(t, serveMonitored(t, a), a, watchedTargets)
	})
	if !testenv.Full() {
		return
	}
	t.Run("one process on PostgreSQL", func(t *testing.T) {
		a := newAuthority(t)
		monitorAlarms(t, serveMonitored(t, a, "--monitor-url="+postgrestest.URL(t), "--ledger-url="+postgrestest.URL(t)), a, watchedTargets)
	})
}

// TestMonitorDisk fills a file system: it is seen within its time, and people are told once.
func TestMonitorDisk(t *testing.T) {
	t.Parallel()
	dir, a := smallDisk(t), newAuthority(t)
	monitorAlarms(t, serveMonitored(t, a), a, []watchedTarget{{
		"disk-full", "disk", func(t *testing.T, _ *authority, s *monitorv1.MonitorSettings) (fail, heal func()) {
			t.Helper()
			var balloon string
			s.Check = &monitorv1.MonitorSettings_Host{Host: &monitorv1.HostCheck{DiskPath: dir, DiskPercent: 80}}
			return func() { balloon = fillDisk(t, dir) }, func() { must(t, os.Remove(balloon)) }
		},
	}})
}

// monitorAlarms lets targets fail at the same time, and then heal.
func monitorAlarms(t *testing.T, d deployment, a *authority, targets []watchedTarget) {
	t.Helper()
	settings := make([]*monitorv1.MonitorSettings, len(targets))
	fails, heals := make([]func(), len(targets)), make([]func(), len(targets))
	for i, target := range targets {
		settings[i] = watching(target.name, 2*time.Second)
		fails[i], heals[i] = target.watch(t, a, settings[i])
		d.createMonitor(t, settings[i])
	}
	for _, target := range targets {
		d.awaitUp(t, target.name)
	}
	for i, down := range d.seen(t, settings, fails, isDown) {
		if down.GetOutcome() != failed || !strings.Contains(down.GetMessage(), targets[i].reason) {
			t.Errorf("%s: %v, want %q", targets[i].name, down, targets[i].reason)
		}
		d.awaitMessage(t, targets[i].name+" is down")
		d.firstResult(t, targets[i].name, down.GetTime().AsTime(), func(r *monitorv1.Result) bool { return r.GetOutcome() == failed }) // is not told again
	}
	d.seen(t, settings, heals, isUp)
	for i, target := range targets {
		d.awaitMessage(t, target.name+" is up again after ")
		d.pauseMonitor(t, settings[i])
	}
	d.settle(t)
	for _, target := range targets {
		d.alarmedOnce(t, target.name)
	}
}

// seen makes changes of the targets of monitors, requires that each is seen within its time, and
// returns the results with the new state.
func (d deployment) seen(t *testing.T, settings []*monitorv1.MonitorSettings, changes []func(), state monitorv1.MonitorState) []*monitorv1.Result {
	t.Helper()
	const margin = time.Second
	begins, ends := make([]time.Time, len(changes)), make([]time.Time, len(changes))
	for i, change := range changes {
		begins[i] = time.Now()
		change()
		ends[i] = time.Now() // a process needs some time to start
	}
	results := make([]*monitorv1.Result, len(changes))
	for i, s := range settings {
		count := s.GetFailures()
		if state == isUp {
			count = s.GetRecoveries()
		}
		results[i] = d.firstResult(t, s.GetName(), begins[i], func(r *monitorv1.Result) bool { return r.GetState() == state })
		requireWithin(t, s.GetName()+" is "+state.String(), ends[i], results[i], s.GetInterval().AsDuration()*time.Duration(count)+s.GetTimeout().AsDuration()+margin)
	}
	return results
}

// TestMonitorSilence lets targets fail in a maintenance window, and together with what they depend on:
// nobody is told.
func TestMonitorSilence(t *testing.T) {
	t.Parallel()
	d := serveMonitored(t, newAuthority(t))
	d.failsInMaintenance(t, "in-maintenance")
	d.failsBehind(t, "router", "behind-router")
	d.settle(t)
	d.alarmedOnce(t, "router")
	d.neverAlarmed(t, "in-maintenance")
	d.neverAlarmed(t, "behind-router")
}

// watchKilled watches a process that is killed.
func watchKilled(t *testing.T, _ *authority, s *monitorv1.MonitorSettings) (fail, heal func()) {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", proc.Port(t))
	run := func() *proc.Process {
		p := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr="+addr)
		p.URLs(t, 1)
		return p
	}
	p := run()
	s.Check = &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{Url: "http://" + addr + "/healthz"}}
	return func() { p.Kill() }, func() { run() }
}

// watchSlow watches a server that becomes slower than permitted.
func watchSlow(t *testing.T, _ *authority, s *monitorv1.MonitorSettings) (fail, heal func()) {
	t.Helper()
	server := startFaultyServer(t)
	s.Interval, s.Timeout = durationpb.New(3*time.Second), durationpb.New(2500*time.Millisecond)
	s.Check = &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{Url: server.url, MaxLatency: durationpb.New(time.Second)}}
	return func() { server.delay.Store(int64(1200 * time.Millisecond)) }, func() { server.delay.Store(0) }
}

// watchCutOff watches a server that accepts connections and never answers.
func watchCutOff(t *testing.T, _ *authority, s *monitorv1.MonitorSettings) (fail, heal func()) {
	t.Helper()
	server := startCutOffServer(t)
	s.Check = &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{Url: "http://" + server.addr}}
	return func() { server.off.Store(true) }, func() { server.off.Store(false) }
}

// watchCertificate watches a server whose certificate expires soon.
func watchCertificate(t *testing.T, a *authority, s *monitorv1.MonitorSettings) (fail, heal func()) {
	t.Helper()
	const day = 24 * time.Hour
	var certificate atomic.Pointer[tls.Certificate]
	long, short := a.issue(t, 90*day), a.issue(t, 5*day)
	certificate.Store(long)
	s.Check = &monitorv1.MonitorSettings_Tls{Tls: &monitorv1.TlsCheck{Address: startTLSServer(t, &certificate)}}
	return func() { certificate.Store(short) }, func() { certificate.Store(long) }
}

// watchNATS watches a NATS cluster that loses a server.
func watchNATS(t *testing.T, _ *authority, s *monitorv1.MonitorSettings) (fail, heal func()) {
	t.Helper()
	const size = 3
	cluster := startNATSCluster(t, size)
	s.Check = &monitorv1.MonitorSettings_Nats{Nats: &monitorv1.NatsCheck{Url: cluster.url(0), Servers: size}}
	return func() { cluster.servers[size-1].Kill() }, func() { cluster.start(size - 1) }
}

// failsInMaintenance lets a target fail in a maintenance window, and heal before its end.
func (d deployment) failsInMaintenance(t *testing.T, name string) {
	t.Helper()
	server := startFaultyServer(t)
	s := watching(name, time.Second)
	s.Check = &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{Url: server.url}}
	d.createMonitor(t, s)
	d.awaitUp(t, name)
	res, err := d.maintenances().CreateMaintenance(t.Context(), &monitorv1.CreateMaintenanceRequest{
		Monitors: []string{"in-main*"}, EndTime: timestamppb.New(time.Now().Add(time.Hour)), Reason: "an upgrade",
	})
	must(t, err)
	server.fails.Store(true)
	change := time.Now()
	isFailed := func(r *monitorv1.Result) bool {
		return r.GetOutcome() == failed && r.GetState() == monitorv1.MonitorState_MONITOR_STATE_MAINTENANCE
	}
	for range 3 { // one more than make it down
		change = d.firstResult(t, name, change, isFailed).GetTime().AsTime()
	}
	server.fails.Store(false)
	change = time.Now()
	for range 2 {
		change = d.firstResult(t, name, change, func(r *monitorv1.Result) bool { return r.GetOutcome() == monitorv1.Outcome_OUTCOME_PASSED }).GetTime().AsTime()
	}
	_, err = d.maintenances().EndMaintenance(t.Context(), &monitorv1.EndMaintenanceRequest{Id: res.GetMaintenance().GetId()})
	must(t, err)
	d.firstResult(t, name, time.Now(), func(r *monitorv1.Result) bool { return r.GetState() == isUp })
	d.pauseMonitor(t, s)
	if slices.ContainsFunc(d.results(t, name), func(r *monitorv1.Result) bool { return r.GetState() == isDown }) {
		t.Errorf("%s was down", name)
	}
}

// failsBehind lets a target fail together with one that it depends on.
func (d deployment) failsBehind(t *testing.T, router, behind string) {
	t.Helper()
	server := startFaultyServer(t)
	check := &monitorv1.MonitorSettings_Http{Http: &monitorv1.HttpCheck{Url: server.url}}
	of := watching(behind, time.Second)
	of.Check, of.DependsOn = check, []string{router}
	on := watching(router, time.Second)
	on.Check = check
	d.createMonitor(t, on)
	d.createMonitor(t, of)
	d.awaitUp(t, router)
	d.awaitUp(t, behind)
	change := time.Now()
	server.fails.Store(true)
	d.firstResult(t, router, change, func(r *monitorv1.Result) bool { return r.GetState() == isDown })
	unknown := d.firstResult(t, behind, change, func(r *monitorv1.Result) bool { return r.GetState() == monitorv1.MonitorState_MONITOR_STATE_UNKNOWN })
	if !strings.Contains(unknown.GetMessage(), "depends on "+router) {
		t.Errorf("%v", unknown)
	}
	d.awaitMessage(t, router+" is down")
	server.fails.Store(false)
	d.awaitUp(t, router)
	d.awaitUp(t, behind)
	d.awaitMessage(t, router+" is up again after ")
	d.pauseMonitor(t, of)
	d.pauseMonitor(t, on)
	if slices.ContainsFunc(d.results(t, behind), func(r *monitorv1.Result) bool { return r.GetState() == isDown }) {
		t.Errorf("%s was down", behind)
	}
}
