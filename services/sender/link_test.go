package sender_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/logtest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/sender"
)

// A stalled network passes nothing on while it is closed: as a process that is stopped
// does, it answers what it was asked meanwhile when it goes on.
type stalled struct {
	mu   sync.Mutex
	open chan struct{} // closed while it passes on
	want chan struct{} // is told of what it holds up
	fail bool          // while closed it fails at once, as where nobody listens
}

func newStalled(fail bool) *stalled {
	return &stalled{open: make(chan struct{}), want: make(chan struct{}, 1), fail: fail}
}

func (s *stalled) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	open := s.open
	s.mu.Unlock()
	select {
	case <-open:
	default:
		tell(s.want)
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

// release lets all pass.
func (s *stalled) release() { close(s.open) }

// ended counts the deliveries of alerts that were sent.
func (r *rig) ended(t *testing.T, ids []int64) (n int) {
	t.Helper()
	for _, id := range ids {
		_, ds, err := r.ledger.Alert(t.Context(), id)
		must(t, err)
		if ds[0].State == alert.Sent {
			n++
		}
	}
	return n
}

// awaitEnded waits until all are sent, and returns how long that took.
func (r *rig) awaitEnded(t *testing.T, ids []int64) time.Duration {
	t.Helper()
	start := time.Now()
	for r.ended(t, ids) < len(ids) {
		if time.Since(start) > patience {
			t.Fatalf("%d of %d were sent", r.ended(t, ids), len(ids))
		}
		time.Sleep(5 * time.Millisecond) // nothing tells of it
	}
	return time.Since(start)
}

// TestSilentAlertService lets the alert service of one of two senders hang, or refuse, for
// what each of them asks: within about a second it gives its jobs back, and the other sends
// them, though the queue would hold them for a minute. When it answers again, the sender
// takes jobs again, and what was granted meanwhile goes back. The log says both once.
func TestSilentAlertService(t *testing.T) {
	for name, fail := range map[string]bool{"hangs": false, "refuses": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net := newStalled(fail)
			r := newRig(t, net)
			var logged logtest.Buffer
			silent := r.sender
			silent.Log = slog.New(slog.NewTextHandler(&logged, nil))
			other := *silent
			other.Log = slog.New(slog.DiscardHandler)
			other.Dispatch = sender.DispatchClient{
				Service: jobv1connect.NewDispatchServiceClient(http.DefaultClient, r.alerts), Name: "other",
				Clock: sender.NewClock(time.Now, other.Log),
			}
			run(t, silent.Run)
			var ids []int64
			for range 20 {
				ids = append(ids, r.send(t))
			}
			await(t, net.want) // it has some in hand
			stop := run(t, other.Run)
			t.Logf("all were sent after %s", r.awaitEnded(t, ids))
			stop()

			net.release()
			more := []int64{r.send(t), r.send(t)}
			r.awaitEnded(t, more)
			if calls := len(r.slack.Calls("")); calls != 22 {
				t.Errorf("the provider got %d calls", calls)
			}
			for what, count := range map[string]int{"does not answer": 1, "answers again": 1, "level=WARN": 1} {
				if got := logged.Count(what); got != count {
					t.Errorf("%q is logged %d times:\n%s", what, got, logged.String())
				}
			}
		})
	}
}
