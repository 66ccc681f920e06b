package sender_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/sender"
)

// A stalledTransport is a network that forwards nothing until release: like a stopped
// process, it responds to pending requests when it continues.
type stalledTransport struct {
	mu        sync.Mutex
	open      chan struct{} // closed by release
	requested chan struct{} // signaled for a pending request
	fail      bool          // until release it fails at once, as without a listener
}

func newStalledTransport(fail bool) *stalledTransport {
	return &stalledTransport{open: make(chan struct{}), requested: make(chan struct{}, 1), fail: fail}
}

func (s *stalledTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	open := s.open
	s.mu.Unlock()
	select {
	case <-open:
	default:
		signal(s.requested)
		if s.fail {
			return nil, fmt.Errorf("connection refused")
		}
		select {
		case <-open:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}

// release opens the network.
func (s *stalledTransport) release() { close(s.open) }

// sentCount returns the number of alerts whose delivery was sent.
func (h *senderHarness) sentCount(t *testing.T, ids []int64) (n int) {
	t.Helper()
	for _, id := range ids {
		_, ds, err := h.ledger.Alert(t.Context(), id)
		must(t, err)
		if ds[0].State == alert.Sent {
			n++
		}
	}
	return n
}

// awaitSent waits until all are sent, and returns the duration.
func (h *senderHarness) awaitSent(t *testing.T, ids []int64) time.Duration {
	t.Helper()
	start := time.Now()
	for h.sentCount(t, ids) < len(ids) {
		if time.Since(start) > waitTimeout {
			t.Fatalf("%d of %d were sent", h.sentCount(t, ids), len(ids))
		}
		time.Sleep(5 * time.Millisecond) // polls: there is no signal
	}
	return time.Since(start)
}

// TestUnresponsiveAlertService has the alert service of one of two senders hang, or refuse
// connections: within about a second that sender nacks its jobs, and the other sends
// them, though the queue would keep them for a minute. When the alert service responds
// again, the sender takes jobs again, and claims that were granted meanwhile are
// released. Each change is logged once.
func TestUnresponsiveAlertService(t *testing.T) {
	for name, fail := range map[string]bool{"hangs": false, "refuses": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net := newStalledTransport(fail)
			h := newSenderHarness(t, net)
			var logged logtest.Buffer
			stalled := h.sender
			stalled.Log = slog.New(slog.NewTextHandler(&logged, nil))
			other := *stalled
			other.Log = slog.New(slog.DiscardHandler)
			other.Dispatch = sender.DispatchClient{
				Service: jobv1connect.NewDispatchServiceClient(http.DefaultClient, h.alerts), Name: "other",
				Clock: sender.NewClock(time.Now, other.Log),
			}
			run(t, stalled.Run)
			var ids []int64
			for range 20 {
				ids = append(ids, h.send(t))
			}
			await(t, net.requested) // it has in-flight messages
			stop := run(t, other.Run)
			t.Logf("all were sent after %s", h.awaitSent(t, ids))
			stop()

			net.release()
			more := []int64{h.send(t), h.send(t)}
			h.awaitSent(t, more)
			if calls := len(h.slack.Calls("")); calls != 22 {
				t.Errorf("%d calls, want 22", calls)
			}
			for what, count := range map[string]int{"does not respond": 1, "responds again": 1, "level=WARN": 1} {
				if got := logged.Count(what); got != count {
					t.Errorf("%q logged %d times:\n%s", what, got, logged.String())
				}
			}
		})
	}
}
