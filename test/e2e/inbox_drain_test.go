package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestInboxDrain stops the inbox service whose process has the stream of a reader, again and again,
// while alerts arrive: the edge, which is another process, ends the stream without an error, and
// the reader continues after its last item at the other inbox service, without a gap or a repeat.
func TestInboxDrain(t *testing.T) {
	_, nats := binaries.NATS(t, t.TempDir(), -1)
	database, key := postgrestest.URL(t), makeKey(t)
	serve := func(services string, more ...string) *proc.Process {
		args := []string{"--services=" + services, "--data=" + t.TempDir(), "--nats-url=" + nats, "--inbox-addr=127.0.0.1:0"}
		return binaries.Serve(t, slices.Concat(args, anywhere, more)...)
	}
	startInbox := func() *proc.Process {
		p := serve("inbox", "--inbox-url="+database, "--drain=1s")
		p.URLs(t, 1)
		return p
	}
	s := &scene{}
	s.edge = serve("edge").URLs(t, 1)["edge"]
	serve("directory,alert,sender", "--seal-key-file="+key).URLs(t, 3)
	awaitReady(t, s.edge, true)
	serving := func(inboxes int) {
		t.Helper()
		awaitInstances(t, s.edge, strconv.Itoa(inboxes)+" inbox services", func(all []instance) bool {
			count := countStates(all)
			return count["inbox serving"] == inboxes && count["inbox draining"] == 0 && count["sender serving"] == 1
		})
	}
	current := startInbox()
	serving(1)
	s.create(t, "/v1/users", `{"nickName":"kim","addresses":[{"messenger":"inbox"}]}`)
	kim := s.read(t, "kim")

	var want []string
	send := func() {
		t.Helper()
		text := fmt.Sprintf("m%d", len(want))
		s.send(t, `{"target":["@kim"],"message":"`+text+`"}`)
		want = append(want, "[normal] "+text)
	}
	for round := range 3 {
		send()
		kim.await(t, "before the stop", want) // so it is connected to the one that serves
		next := startInbox()
		serving(2)
		current.Signal(t, syscall.SIGTERM)
		deadline := time.After(proc.Patience)
		for stopped := false; !stopped; { // alerts while it drains, and while it ends its streams
			if send(); len(want)%20 == 0 { // a reader for whom 64 items wait is disconnected
				kim.await(t, "while the inbox service stops", want)
			}
			select {
			case <-current.Ended():
				stopped = true
			case <-deadline:
				t.Fatalf("round %d: the inbox service does not stop\n%s", round, current.Log())
			default:
			}
		}
		must(t, current.Wait(t))
		if strings.Contains(current.Log(), `"level":"ERROR"`) {
			t.Errorf("round %d: the stop is logged as an error\n%s", round, current.Log())
		}
		send()
		kim.await(t, fmt.Sprintf("after stop %d", round), want)
		current = next
		serving(1)
	}
	kim.mu.Lock()
	defer kim.mu.Unlock()
	if len(kim.ends) != 3 || slices.ContainsFunc(kim.ends, func(end string) bool { return end != "" }) {
		t.Errorf("the streams ended by %q, want three without an error", kim.ends)
	}
}
