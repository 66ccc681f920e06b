package faults

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// lease is short, so that deliveries of a dead sender are soon sent by another.
const lease = 3 * time.Second

// A system is a running Bongsu, in parts that can be killed and restarted, with the
// fakes of the providers, which keep running.
type system struct {
	url       string   // where alerts are read
	urls      []string // where alerts are sent, in turn
	alertURL  string   // of the alert service, for senders in other processes
	mockup    string
	config    string  // path of the messenger configuration: the mail relay, and the limit of rocketchat
	nats      string  // empty for the embedded broker
	jetstream string  // folder of the broker
	key       string  // path of the seal key file
	calls     counter // calls to the fake so far, approximately

	authFlags []string // of all parts if callers need an API key; otherwise none
	apiKey    string   // of all callers; empty for none

	parts      map[string]*part
	order      []string // start order of the parts
	faultTimes []span   // in the order of time
	wiped      time.Time
}

// A part is a process that can be restarted.
type part struct {
	*proc.Process
	start   func(t testing.TB) *proc.Process
	command func() *exec.Cmd // start command; nil unless it is bongsu serve
}

// sendTo sets the URLs where alerts are sent, in turn; they are read at the first.
func (s *system) sendTo(urls ...string) { s.url, s.urls = urls[0], urls }

// newSystem returns a system with only a fake. Its callers need an API key if those of all
// tests do.
func newSystem(t testing.TB) *system {
	t.Helper()
	s := &system{parts: map[string]*part{}}
	cmd := binaries.ServeCommand("--services=mockup", "--data="+t.TempDir(), "--mockup-addr=127.0.0.1:0")
	cmd.Stdout = &s.calls
	fakes := proc.Start(t, cmd)
	s.mockup = fakes.URLs(t, 1)["mockup"]
	s.config = filepath.Join(t.TempDir(), "messengers.yaml")
	must(t, os.WriteFile(s.config, []byte("email: {url: smtp://"+fakes.MailAddr(t)+"}\nrocketchat: {credential-limit: 10/s}\n"), 0o600))
	if keysEverywhere {
		s.requireKeys(t)
	}
	return s
}

// add starts a part.
func (s *system) add(t testing.TB, name string, start func(t testing.TB) *proc.Process) {
	t.Helper()
	s.parts[name] = &part{Process: start(t), start: start}
	s.order = append(s.order, name)
}

// serve starts a part that is bongsu serve on a fixed port, and returns its URL. Rate
// limits and breakers have their defaults.
func (s *system) serve(t testing.TB, name, service string, args ...string) (url string) {
	t.Helper()
	url = s.prepare(t, name, service, args...)
	s.parts[name].Process = s.parts[name].start(t)
	return url
}

// prepare is like serve, without the start.
func (s *system) prepare(t testing.TB, name, service string, args ...string) (url string) {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", proc.Port(t))
	args = append(args, "--lease="+lease.String(), "--provider-timeout=1400ms", "--provider-url="+s.mockup, "--messenger-config="+s.config, "--"+service+"-addr="+addr)
	args = append(args, s.authFlags...)
	it := &part{command: func() *exec.Cmd { return binaries.ServeCommand(args...) }}
	it.start = func(t testing.TB) *proc.Process {
		p := proc.Start(t, it.command())
		p.URLs(t, 1)
		return p
	}
	s.parts[name] = it
	s.order = append(s.order, name)
	return "http://" + addr
}

// kill kills parts all at once, as in a power failure.
func (s *system) kill(names ...string) {
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(s.parts[name].Kill)
	}
	all.Wait()
}

// start restarts parts in their start order.
func (s *system) start(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range s.order {
		if slices.Contains(names, name) {
			s.parts[name].Process = s.parts[name].start(t)
		}
	}
}

// wipe deletes the folder of JetStream, even during writes.
func (s *system) wipe(t testing.TB) {
	t.Helper()
	s.wiped = time.Now()
	var err error
	for range 100 {
		if err = os.RemoveAll(s.jetstream); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// living fails if a part has exited.
func (s *system) living(t testing.TB) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(s.parts)) {
		select {
		case <-s.parts[name].Ended():
			t.Errorf("%s has exited: %v", name, s.parts[name].Wait(t))
		default:
		}
	}
}

func (s *system) alerts() alertv1connect.AlertServiceClient {
	return alertv1connect.NewAlertServiceClient(s.client(), s.url)
}

func (s *system) fakes() mockupv1connect.MockupServiceClient {
	return mockupv1connect.NewMockupServiceClient(http.DefaultClient, s.mockup)
}

// behave adds the fault f to all fakes, and keeps their recorded calls. Where f has an
// HTTP status, mail gets an SMTP status for a temporary failure of the relay.
func (s *system) behave(t testing.TB, f *mockupv1.Fault) {
	t.Helper()
	web, post := proto.CloneOf(f), proto.CloneOf(f)
	web.Credential, post.Credential = "/", "@" // matches every path but that of a recipient, and every mail sender
	if post.GetStatus() != 0 {
		post.Status = 451
	}
	for _, one := range []*mockupv1.Fault{web, post} {
		_, err := s.fakes().SetFault(t.Context(), &mockupv1.SetFaultRequest{Fault: one})
		must(t, err)
	}
}

// A counter counts the calls that the mockup prints, and notifies waiters.
type counter struct {
	mu   sync.Mutex
	n    int
	news chan struct{}
}

// Write counts the calls in the mockup's output.
func (c *counter) Write(b []byte) (int, error) {
	c.add(bytes.Count(b, []byte("Content-Type: "))) // one in a call, and one in a mail
	return len(b), nil
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	if c.news != nil {
		close(c.news)
		c.news = nil
	}
}

// reach waits until n calls are counted, and reports whether that was before ctx was
// done.
func (c *counter) reach(ctx context.Context, n int) bool {
	for {
		c.mu.Lock()
		if c.news == nil {
			c.news = make(chan struct{})
		}
		now, news := c.n, c.news
		c.mu.Unlock()
		if now >= n {
			return true
		}
		select {
		case <-news:
		case <-ctx.Done():
			return false
		}
	}
}
