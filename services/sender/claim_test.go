package sender_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/mockup"
	"github.com/bongsu-project/bongsu/services/sender"
)

const (
	// lease is the lease of claims: a lost claim delays the test by that long.
	lease = 2 * time.Second
	// waitTimeout is the timeout of every wait.
	waitTimeout = 20 * time.Second
)

// A lossyTransport is a network that forwards requests to the alert service, and loses the
// first responses to a method.
type lossyTransport struct {
	method    string
	lose      atomic.Int32  // responses to lose
	requested chan struct{} // signaled for each request to the method
	report    chan struct{} // signaled for each response to a report
	deferred  chan struct{} // signaled if deliveries were deferred since the last receive
}

func (l *lossyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(req.URL.Path, "/Report") {
		l.report <- struct{}{}
	}
	if strings.HasSuffix(req.URL.Path, "/Defer") {
		signal(l.deferred)
	}
	if strings.HasSuffix(req.URL.Path, l.method) {
		signal(l.requested)
		if l.lose.Add(-1) >= 0 {
			_, err := io.Copy(io.Discard, res.Body)
			return nil, errors.Join(errors.New("response lost"), err, res.Body.Close())
		}
	}
	return res, nil
}

// A senderHarness is a sender, an alert service and a provider, connected as across
// processes. Its messenger is costly: a possible duplicate is not sent.
type senderHarness struct {
	ledger *ledger.Store
	loop   *alert.DispatchLoop
	slack  *mockup.Mockup
	key    *seal.Keyring
	sender *sender.Sender
	alerts string // URL of the alert service
}

// newSenderHarness returns a harness whose sender calls the alert service over net.
func newSenderHarness(t *testing.T, net http.RoundTripper) *senderHarness {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	broker, err := queue.StartBroker(t.TempDir())
	must(t, err)
	t.Cleanup(broker.Stop)
	conn, err := broker.Connect(log)
	must(t, err)
	q, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: log})
	must(t, err)
	t.Cleanup(q.Close)

	rule := alert.NewVerdictRule([]messenger.Spec{{Name: "slack", Costly: true}})
	h := &senderHarness{ledger: l, slack: mockup.New(nil), key: newKey(t), loop: alert.NewDispatchLoop(l, q, rule, 5, time.Now, log)}
	_, handler := jobv1connect.NewDispatchServiceHandler(&alert.DispatchHandler{Dispatcher: l, Rule: rule, Loop: h.loop, Lease: lease, Now: time.Now})
	alerts := httptest.NewServer(handler)
	t.Cleanup(alerts.Close)
	h.alerts = alerts.URL
	provider := httptest.NewServer(h.slack.Fakes())
	t.Cleanup(provider.Close)
	limiter := ratelimit.New(q.LimiterBucket(), time.Now, log)
	fakes := call.Endpoint{Client: call.NewClient(call.ClientConfig{AllowAll: true}), Now: time.Now, URL: provider.URL}
	h.sender = &sender.Sender{
		Messengers: slices.DeleteFunc(all.Messengers(func(string) call.Endpoint { return fakes }, nil), isUnused),
		Jobs:       func(name string) sender.JobSource { return q.Lanes(name, log) },
		Dispatch:   sender.DispatchClient{Service: jobv1connect.NewDispatchServiceClient(&http.Client{Transport: net}, alerts.URL), Name: "sender", Clock: sender.NewClock(time.Now, log)},
		Key:        h.key, Workers: 4, Timeout: func(string) time.Duration { return lease / 4 }, Now: time.Now, Log: log, Metrics: sender.NoMetrics{}, Limiter: limiter,
		Limits:  func(messenger.Spec) messenger.Limits { return messenger.Limits{} },
		Breaker: sender.BreakerConfig{Calls: 1, Open: time.Second},
	}
	run(t, limiter.Run)
	run(t, h.loop.Run)
	return h
}

// isUnused reports whether the harness lacks a messenger. It has two, as each has consumers of
// its own: with all of them, a busy machine needs more than a timeout to open those of two senders.
func isUnused(m messenger.Messenger) bool {
	name := m.Spec().Name
	return name != "slack" && name != "telegram"
}

// send records an alert to one user and enqueues it.
func (h *senderHarness) send(t *testing.T) (id int64) {
	t.Helper()
	a, ds := h.record(t)
	h.loop.Enqueue(a, ds)
	return a.ID
}

// record records an alert to one user, which the dispatch loop does not enqueue.
func (h *senderHarness) record(t *testing.T) (alert.Alert, []alert.Delivery) {
	t.Helper()
	credential, err := h.key.Seal("SLACK-USER1-TOKEN", "slack")
	must(t, err)
	ds := []alert.Delivery{{Nickname: "user1", Messenger: "slack", SealedCredential: credential, Destination: "USER1_CHANNEL_ID", State: alert.Queued}}
	a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
	added, err := h.ledger.AddAlert(t.Context(), a, ds, time.Now().Add(time.Hour))
	must(t, err)
	return added.Alert, added.Deliveries
}

// requireSentOnce checks that the delivery of an alert was sent by one attempt, and that the
// provider received no other call.
func (h *senderHarness) requireSentOnce(t *testing.T, id int64) {
	t.Helper()
	_, ds, err := h.ledger.Alert(context.WithoutCancel(t.Context()), id)
	must(t, err)
	if d := ds[0]; d.State != alert.Sent || len(d.Attempts) != 1 || d.Attempts[0].PossibleDuplicate {
		t.Errorf("state %d, reason %q, attempts %+v", d.State, d.Reason, d.Attempts)
	}
	if calls := h.slack.Calls(""); len(calls) != 1 {
		t.Errorf("%d calls, want 1", len(calls))
	}
}

// TestLostClaimResponse loses the responses to a claim: it is retried, and its delivery is
// sent once.
func TestLostClaimResponse(t *testing.T) {
	t.Parallel()
	net := &lossyTransport{method: "/Claim", requested: make(chan struct{}, 1), report: make(chan struct{}, 10)}
	net.lose.Store(3)
	h := newSenderHarness(t, net)
	id := h.send(t)
	run(t, h.sender.Run)
	await(t, net.report)
	h.requireSentOnce(t, id)
}

// TestStopWhileClaiming stops a sender whose claim was granted but whose response was
// lost: no claimed delivery stays unsent.
func TestStopWhileClaiming(t *testing.T) {
	t.Parallel()
	net := &lossyTransport{method: "/Claim", requested: make(chan struct{}, 1), report: make(chan struct{}, 10)}
	net.lose.Store(1)
	h := newSenderHarness(t, net)
	id := h.send(t)
	stop := run(t, h.sender.Run)
	await(t, net.requested)
	stop()
	h.requireSentOnce(t, id)
}

// run runs a task until stop is called or the test ends.
func run(t *testing.T, task func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := task(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// newKey returns a seal key.
func newKey(t *testing.T) *seal.Keyring {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	must(t, sealkey.Format.CreateKeyFile(path))
	key, err := sealkey.Format.ReadKeyFile(path)
	must(t, err)
	return key
}

// signal sends to a channel unless it is full.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// await receives from a channel, and fails the test after waitTimeout.
func await(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(waitTimeout):
		t.Fatal("timed out")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
