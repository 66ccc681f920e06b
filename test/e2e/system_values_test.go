package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/test/proc"
)

// A watchedDeployment is a deployment whose monitor service watches the deployment itself. Its sender is
// started later.
type watchedDeployment struct {
	monitor, alert deployment    // their edge is another port than that of the edge with the certificate
	process        *proc.Process // of the alert service
	watcher        *proc.Process // of the monitor service
	broker         *proc.Process
	alertPort      string // of a split deployment, in which it is for other processes only
	ledger         string // the file
	cert, key      string // the files of the edge
	startSender    func()
}

// watchItself starts a deployment of one process beside the sender, or of a process for each service.
func watchItself(t *testing.T, a *authority, split bool, more ...string) *watchedDeployment {
	t.Helper()
	broker, nats := binaries.NATS(t, t.TempDir(), -1)
	dir, sealKey, internal := t.TempDir(), makeKey(t), filepath.Join(t.TempDir(), "internal.key")
	must(t, os.WriteFile(internal, []byte("internal-key-of-this-test-0123456789abcdef\n"), 0o600))
	w := &watchedDeployment{broker: broker, ledger: filepath.Join(dir, "ledger.db"), cert: filepath.Join(dir, "edge.pem"), key: filepath.Join(dir, "edge.key")}
	w.present(t, a, 20*24*time.Hour)
	serve := func(services string, flags ...string) *proc.Process {
		flags = append(flags, "--data="+t.TempDir(), "--nats-url="+nats, "--seal-key-file="+sealKey)
		if split {
			flags = append(flags, "--internal-key-file="+internal)
		}
		return binaries.Serve(t, append(append(flags, "--services="+services, "--monitor-addr=127.0.0.1:0", "--event-addr=127.0.0.1:0"), anywhere...)...)
	}
	edge := []string{"--tls-cert=" + w.cert, "--tls-key=" + w.key, "--auth=off"}
	ledger := "--ledger-url=" + w.ledger
	w.startSender = func() { awaitReady(t, serve("sender,mockup").URLs(t, 2)["sender"], true) }
	if !split {
		flags := slices.Concat(edge, []string{ledger, "--demo-data"}, more)
		w.process = serve("edge,directory,alert,event,monitor", flags...)
		w.watcher = w.process
		urls := w.process.URLs(t, 5)
		w.monitor, w.alert = deployment{edge: urls["monitor"]}, deployment{edge: urls["alert"]}
		return w
	}
	serve("directory", "--demo-data").URLs(t, 1)
	w.process = serve("alert", ledger)
	w.alertPort = w.process.URLs(t, 1)["alert"]
	serve("event").URLs(t, 1)
	serve("edge", edge...).URLs(t, 1)
	w.watcher = serve("monitor", more...)
	w.watcher.URLs(t, 1)
	w.monitor = deployment{edge: serve("edge").URLs(t, 1)["edge"]}
	w.alert = w.monitor
	awaitReady(t, w.monitor.edge, true)
	return w
}

// present gives the edge a certificate that is valid for a time.
func (w *watchedDeployment) present(t *testing.T, a *authority, valid time.Duration) {
	t.Helper()
	pair := a.issue(t, valid)
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatal("no ECDSA key")
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(w.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	must(t, os.WriteFile(w.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600))
}

// hurry lets a built-in monitor run each second and change its state with each result.
func (w *watchedDeployment) hurry(t *testing.T, name string, value monitorv1.SystemValue, limit float64) {
	t.Helper()
	_, err := w.monitor.monitors().SetMonitor(t.Context(), &monitorv1.SetMonitorRequest{Name: name, Settings: &monitorv1.MonitorSettings{
		Name: name, Interval: durationpb.New(time.Second), Timeout: durationpb.New(time.Second), Failures: 1, Window: 1, Recoveries: 1,
		Check: &monitorv1.MonitorSettings_System{System: &monitorv1.SystemCheck{Value: value, Limit: limit}},
	}})
	must(t, err)
}

// becomes waits until a monitor has a state by a result after a time, and requires a text in the
// message of the result.
func (w *watchedDeployment) becomes(t *testing.T, name string, after time.Time, state monitorv1.MonitorState, text string) {
	t.Helper()
	r := w.monitor.firstResult(t, name, after, func(r *monitorv1.Result) bool { return r.GetState() == state })
	if !strings.Contains(r.GetMessage(), text) {
		t.Errorf("%s is %v by %q, want %q", name, state, r.GetMessage(), text)
	}
}

// TestBuiltInMonitors checks that a monitor service knows the values of Bongsu in whichever process they
// are: each has a value while all is well, and is down when its cause occurs.
func TestBuiltInMonitors(t *testing.T) {
	t.Parallel()
	for name, split := range map[string]bool{"one process": false, "split": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			w := watchItself(t, a, split)
			hasValues(t, w)
			certificateEnds(t, w, a)
			ledgerIsSlow(t, w)
			senderIsAway(t, w)
			if split {
				isInternal(t, w)
				alertServiceIsAway(t, w)
			}
		})
	}
}

// hasValues requires a value of each built-in monitor.
func hasValues(t *testing.T, w *watchedDeployment) {
	t.Helper()
	for name, value := range map[string]monitorv1.SystemValue{
		"bongsu.oldest-due":       monitorv1.SystemValue_SYSTEM_VALUE_OLDEST_DUE,
		"bongsu.stuck-deliveries": monitorv1.SystemValue_SYSTEM_VALUE_STUCK_DELIVERIES,
		"bongsu.ledger-latency":   monitorv1.SystemValue_SYSTEM_VALUE_LEDGER_LATENCY,
		"bongsu.certificate":      monitorv1.SystemValue_SYSTEM_VALUE_CERTIFICATE,
		"bongsu.disk":             monitorv1.SystemValue_SYSTEM_VALUE_DISK,
		"bongsu.seal-key-age":     monitorv1.SystemValue_SYSTEM_VALUE_SEAL_KEY_AGE,
		"bongsu.queue":            monitorv1.SystemValue_SYSTEM_VALUE_QUEUE,
		"bongsu.dead-letters":     monitorv1.SystemValue_SYSTEM_VALUE_DEAD_LETTERS,
	} {
		w.awaitMonitor(t, name)
		w.hurry(t, name, value, map[string]float64{"bongsu.certificate": 14, "bongsu.disk": 100, "bongsu.ledger-latency": 1}[name]+
			map[string]float64{"bongsu.oldest-due": 2, "bongsu.seal-key-age": 365}[name])
		r := w.monitor.firstResult(t, name, time.Time{}, func(r *monitorv1.Result) bool { return r.GetState() == isUp })
		t.Logf("%s: %s", name, r.GetMessage())
		if r.Value == nil || strings.HasSuffix(name, "certificate") && (r.GetValue() < 19 || r.GetValue() > 20) {
			t.Errorf("%s: %v", name, r)
		}
	}
}

// awaitMonitor waits until a built-in monitor exists.
func (w *watchedDeployment) awaitMonitor(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		if _, err := w.monitor.monitors().GetMonitor(ctx, &monitorv1.GetMonitorRequest{Name: name}); err == nil {
			return
		}
		look(ctx, t)
	}
}

// certificateEnds gives the edge a certificate that is near its end, and a new one.
func certificateEnds(t *testing.T, w *watchedDeployment, a *authority) {
	t.Helper()
	const day = 24 * time.Hour
	change := time.Now()
	w.present(t, a, 5*day)
	w.becomes(t, "bongsu.certificate", change, isDown, "5 days, below 14")
	change = time.Now()
	w.present(t, a, 30*day)
	w.becomes(t, "bongsu.certificate", change, isUp, "30 days")
}

// ledgerIsSlow locks the ledger.
func ledgerIsSlow(t *testing.T, w *watchedDeployment) {
	t.Helper()
	db, err := database.Connect(t.Context(), w.ledger, database.Schema{Name: "ledger"})
	must(t, err)
	defer db.Close()
	change := time.Now()
	must(t, db.Write(t.Context(), func(context.Context, *database.Tx) error {
		w.becomes(t, "bongsu.ledger-latency", change, isDown, "timeout") //nolint:contextcheck // it has the context of the test
		return nil
	}))
	w.becomes(t, "bongsu.ledger-latency", time.Now(), isUp, "write to the ledger")
}

// senderIsAway sends an alert that nobody sends, and then starts a sender.
func senderIsAway(t *testing.T, w *watchedDeployment) {
	t.Helper()
	change := time.Now()
	w.alert.send(t, `{"target":["@user1"],"by":["slack"],"message":"m"}`)
	w.becomes(t, "bongsu.oldest-due", change, isDown, "above 2")
	change = time.Now()
	w.startSender()
	w.becomes(t, "bongsu.oldest-due", change, isUp, "oldest due delivery: 0 s")
}

// isInternal checks that values are for other processes only: they are refused without the internal key,
// and an edge does not serve them.
func isInternal(t *testing.T, w *watchedDeployment) {
	t.Helper()
	for url, want := range map[string]int{w.alertPort: http.StatusUnauthorized, w.monitor.edge: http.StatusNotFound} {
		if status, answer := request(t, http.MethodPost, url+monitorv1connect.SystemValueServiceReadSystemValueProcedure, `{"value":"SYSTEM_VALUE_OLDEST_DUE"}`); status != want {
			t.Errorf("%s: %d %s, want %d", url, status, answer, want)
		}
	}
}

// alertServiceIsAway stops the alert service: its values are unknown, and never good.
func alertServiceIsAway(t *testing.T, w *watchedDeployment) {
	t.Helper()
	change := time.Now()
	w.process.Signal(t, syscall.SIGSTOP)
	unknown := monitorv1.MonitorState_MONITOR_STATE_UNKNOWN
	for _, name := range []string{"bongsu.oldest-due", "bongsu.stuck-deliveries", "bongsu.ledger-latency"} {
		w.becomes(t, name, change, unknown, "could not be called")
	}
	change = time.Now()
	w.process.Signal(t, syscall.SIGCONT)
	w.becomes(t, "bongsu.oldest-due", change, isUp, "0 s")
}

// TestWatchdogMail checks that the watchdog sends mail while nothing else can: the sender is not there,
// and the broker is killed before the relay takes mail. The password of the relay is in no log.
func TestWatchdogMail(t *testing.T) {
	t.Parallel()
	relay := fmt.Sprintf("127.0.0.1:%d", proc.Port(t))
	w := watchItself(t, newAuthority(t), true,
		"--watchdog-mail=smtp://bongsu:s3cret%2Fword@"+relay+"?from=bongsu@example.com&tls=off", "--watchdog-mail-to=ops@example.com,kim@example.com")
	w.awaitMonitor(t, "bongsu.oldest-due")
	w.hurry(t, "bongsu.oldest-due", monitorv1.SystemValue_SYSTEM_VALUE_OLDEST_DUE, 1)
	w.alert.send(t, `{"target":["@user1"],"by":["slack"],"message":"m"}`)
	w.watcher.Await(t, regexp.MustCompile(`sending a change by the watchdog failed.*"monitor":"bongsu.oldest-due".*connection_refused`), 2)
	w.broker.Kill()
	mockup := binaries.Serve(t, "--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0", "--mockup-smtp-addr="+relay)
	d := deployment{mockup: mockup.URLs(t, 1)["mockup"]}
	ctx, cancel := context.WithTimeout(t.Context(), 2*proc.Patience)
	defer cancel()
	for _, to := range []string{"ops@example.com", "kim@example.com"} {
		for !slices.ContainsFunc(d.callsWith(t, "Bongsu: bongsu.oldest-due is down: oldest due delivery: "), func(c *mockupv1.Call) bool { return c.GetMethod() == "SMTP" && c.GetPath() == to }) {
			look(ctx, t)
		}
	}
	if log := w.watcher.Log(); strings.Contains(log, "s3cret") {
		t.Errorf("the password is in the log: %s", log)
	}
}
