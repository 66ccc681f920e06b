package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/judge"
	"github.com/bongsu-project/bongsu/test/proc"
)

// users is the number of users, user1 and so on, over the messengers of the judge. Those of ntfy and
// mail are left out: their rate limits cannot be turned off, and their relay needs a configuration.
// Each gets less than one alert per second, which is less than their providers' own limits.
const users = 110

// A process is a program on a node of its own.
type process struct {
	*proc.Process
	*node
	kind, name string
	number     int // from 1 within its kind
	url        string
	program    string
	command    func(program string) *exec.Cmd
	listening  func(t *testing.T, p *proc.Process)
}

// start starts the process, again after its end, and waits until it is ready.
func (p *process) start(t *testing.T) {
	t.Helper()
	p.Process = proc.Start(t, p.inside(p.command(p.program)))
	p.listening(t, p.Process)
}

// A cluster is a running deployment, with the fakes of the providers on the address of the
// tests.
type cluster struct {
	processes []*process
	nats      []*process
	fakes     string
	sent      callTimes // of the fakes, approximately
	database  *postgrestest.Server
	ledger    string // URL
	apiKey    string
	shared    []string // flags of every bongsu
}

// A size is the number of processes of each kind.
type size struct{ edges, directories, accesses, alerts, senders int }

// newCluster starts a cluster with users. Settings are those of PostgreSQL.
func newCluster(t *testing.T, s size, settings ...string) *cluster {
	t.Helper()
	c := &cluster{}
	c.startDatabase(t, settings...)
	c.startFakes(t)
	c.startNATS(t)
	internal, seal := filepath.Join(t.TempDir(), "internal.key"), filepath.Join(t.TempDir(), "seal.key")
	must(t, os.WriteFile(internal, []byte(strings.Repeat("internal", 8)+"\n"), 0o600))
	if out, err := exec.Command(binaries.Bongsu, "key", "make", seal).CombinedOutput(); err != nil {
		t.Fatalf("key make: %v\n%s", err, out)
	}
	var servers []string
	for _, p := range c.nats {
		servers = append(servers, p.url)
	}
	c.shared = append(slices.Clone(proc.Unpaced), "--nats-url="+strings.Join(servers, ","), "--internal-key-file="+internal, "--seal-key-file="+seal,
		"--provider-url="+c.fakes, "--provider-timeout=1400ms", "--lease=3s", "--drain=1s")
	directory, access := c.newDatabase(t), c.newDatabase(t)
	c.ledger = c.newDatabase(t)
	c.serve(t, "directory", s.directories, "--directory-url="+directory)
	c.serve(t, "access", s.accesses, "--access-url="+access)
	c.serve(t, "alert", s.alerts, "--ledger-url="+c.ledger, "--replicas=3")
	c.serve(t, "edge", s.edges, "--auth=required")
	c.serve(t, "sender", s.senders)
	c.addUsers(t)
	return c
}

// startDatabase starts PostgreSQL; the test is skipped without one that it can restart.
func (c *cluster) startDatabase(t *testing.T, settings ...string) {
	t.Helper()
	if os.Getenv(testenv.Postgres) != "" {
		t.Skip("skipped with " + testenv.Postgres + ": the test restarts PostgreSQL, so it must start it itself")
	}
	server, err := postgrestest.Start(t.Context(), testenv.Postgres, settings...)
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip("skipped without PostgreSQL: " + err.Error())
	}
	must(t, err)
	t.Cleanup(func() { must(t, server.Stop()) })
	c.database = server
}

func (c *cluster) newDatabase(t *testing.T) string {
	t.Helper()
	url, err := c.database.CreateDatabase(t.Context())
	must(t, err)
	return url
}

// startFakes starts the fakes of the providers.
func (c *cluster) startFakes(t *testing.T) {
	t.Helper()
	cmd := binaries.ServeCommand("--services=mockup", "--data="+t.TempDir(), "--mockup-addr="+hostAddress()+":0", "--mockup-smtp-addr="+hostAddress()+":0")
	cmd.Stdout = &c.sent
	c.fakes = proc.Start(t, cmd).URLs(t, 1)["mockup"]
}

// serve starts count processes that run a service, one after the other.
func (c *cluster) serve(t *testing.T, service string, count int, flags ...string) {
	t.Helper()
	for number := 1; number <= count; number++ {
		p := &process{node: newNode(t), kind: service, name: fmt.Sprintf("%s%d", service, number), number: number, program: binaries.Bongsu}
		address := net.JoinHostPort(p.address, strconv.Itoa(proc.Port(t)))
		p.url = "http://" + address
		data := t.TempDir()
		own := slices.Concat(c.shared, flags, []string{"--services=" + service, "--data=" + data, "--" + service + "-addr=" + address})
		if service == "alert" || service == "edge" || service == "access" { // they have no use for it
			own = slices.DeleteFunc(own, func(flag string) bool { return strings.HasPrefix(flag, "--seal-key-file=") })
		}
		p.command = func(program string) *exec.Cmd {
			return proc.Binaries{Bongsu: program}.ServeCommand(own...)
		}
		p.listening = func(t *testing.T, running *proc.Process) {
			running.URLs(t, 1)
			if service != "alert" && service != "edge" && service != "sender" { // these wait for others at the start of all
				awaitReady(t, p.url)
			}
		}
		p.start(t)
		p.listening = func(t *testing.T, running *proc.Process) {
			running.URLs(t, 1)
			awaitReady(t, p.url)
		}
		if service == "access" && number == 1 { // the first start on an empty database
			c.apiKey = p.AdminKey(t, data)
		}
		c.processes = append(c.processes, p)
	}
}

// awaitReady waits until a process can do its work.
func awaitReady(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		status, err := statusOf(ctx, url+"/readyz")
		if status == http.StatusOK {
			return
		}
		wait(ctx, 50*time.Millisecond)
		if ctx.Err() != nil {
			t.Fatalf("%s/readyz is %d (%v) after %s", url, status, err, proc.Patience)
		}
	}
}

func statusOf(ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// client returns an HTTP client of callers.
func (c *cluster) client() *http.Client {
	return &http.Client{Transport: proc.KeyTransport{Key: c.apiKey, Base: &http.Transport{MaxIdleConnsPerHost: 100}}}
}

// of returns the processes of a kind.
func (c *cluster) of(kind string) (found []*process) {
	for _, p := range c.processes {
		if p.kind == kind {
			found = append(found, p)
		}
	}
	return found
}

// anyOf returns a random process of a kind.
func (c *cluster) anyOf(rng *rand.Rand, kind string) *process {
	found := c.of(kind)
	return found[rng.IntN(len(found))]
}

func (c *cluster) mockup() mockupv1connect.MockupServiceClient {
	return mockupv1connect.NewMockupServiceClient(http.DefaultClient, c.fakes)
}

// addUsers waits until the edges are ready, and creates the users.
func (c *cluster) addUsers(t *testing.T) {
	t.Helper()
	for _, p := range c.processes {
		awaitReady(t, p.url)
	}
	routes := slices.DeleteFunc(judge.Routes(), func(r judge.Route) bool {
		return r.Messenger == "email" || r.Messenger == "ntfy" || r.Messenger == "rocketchat" // no relay, and the slowest
	})
	people := userv1connect.NewUserServiceClient(c.client(), c.of("edge")[0].url)
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(4)
	for user := 1; user <= users; user++ {
		route := routes[user%len(routes)]
		g.Go(func() error {
			_, err := people.CreateUser(ctx, &userv1.CreateUserRequest{NickName: fmt.Sprintf("user%d", user), Addresses: []*userv1.NewAddress{
				{Messenger: route.Messenger, Credential: route.Credential(user), Destination: route.Destination(user)},
			}})
			return err
		})
	}
	must(t, g.Wait())
}

// wait waits for d, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
