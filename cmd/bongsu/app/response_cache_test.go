package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// interleavings returns the number of changes that run against reads of two edges.
func interleavings() int64 {
	if testing.Short() {
		return 100
	}
	return 1000
}

// TestNoStaleAnswerFromTwoEdges renames a group through either of two edges while callers read
// it from both: no read that begins after a rename was answered may return an older name.
func TestNoStaleAnswerFromTwoEdges(t *testing.T) {
	natsURL := startNATS(t)
	edges := startEdges(t, natsURL, natsURL)
	path := createGroup(t, edges[0], "v0")
	waitForHits(t, edges, path)

	var answered, hits, reads atomic.Int64 // the version of the last rename that was answered
	done := make(chan struct{})
	var readers sync.WaitGroup
	for _, edge := range edges {
		readers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				path := path + []string{"", "/users"}[n%2]
				floor := answered.Load()
				got := readVersion(t, edge, path)
				if got.version < floor {
					t.Errorf("%s returned v%d after v%d was answered (age %q)", path, got.version, floor, got.age)
					return
				}
				reads.Add(1)
				if got.age != "" {
					hits.Add(1)
				}
			}
		})
	}
	for version := int64(1); version <= interleavings() && !t.Failed(); version++ {
		request(t, http.MethodPut, edges[rand.IntN(2)]+path, fmt.Sprintf(`{"groupName":"v%d"}`, version), http.StatusOK)
		answered.Store(version)
		first := rand.IntN(2)
		for _, edge := range []string{edges[first], edges[1-first]} {
			if got := readVersion(t, edge, path); got.version != version {
				t.Errorf("a read after v%d was answered returned v%d (age %q)", version, got.version, got.age)
			}
		}
	}
	close(done)
	readers.Wait()
	if hits.Load() < interleavings() {
		t.Errorf("%d of %d reads were hits: the test proves little", hits.Load(), reads.Load())
	}
	t.Logf("%d changes, %d reads, %d of them hits", interleavings(), reads.Load(), hits.Load())
}

// TestEdgeWithoutNATS checks that no edge gives an answer that is older than an answered
// change if the changing or the reading edge loses NATS: if its connection is closed, and if it
// is silent.
func TestEdgeWithoutNATS(t *testing.T) {
	natsURL := startNATS(t)
	link := startLink(t, strings.TrimPrefix(natsURL, "nats://"))
	edges := startEdges(t, natsURL, "nats://"+link.addr)
	path := createGroup(t, edges[0], "v0")
	version := int64(0)
	for _, c := range []struct {
		name   string
		lose   func()
		change int // the edge that changes; the second one loses NATS
	}{
		{"reader's connection closed", link.close, 0},
		{"changer's connection closed", link.close, 1},
		{"reader's connection silent", link.silence, 0},
		{"changer's connection silent", link.silence, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			waitForHits(t, edges, path)
			c.lose()
			for range 3 {
				version++
				request(t, http.MethodPut, edges[c.change]+path, fmt.Sprintf(`{"groupName":"v%d"}`, version), http.StatusOK)
				for _, edge := range []int{1 - c.change, c.change, 1 - c.change} {
					if got := readVersion(t, edges[edge], path); got.version != version {
						t.Fatalf("edge %d returned v%d after v%d was answered (age %q)", edge, got.version, version, got.age)
					}
				}
			}
			link.restore()
			waitForHits(t, edges, path)
			for _, edge := range edges {
				if got := readVersion(t, edge, path); got.version != version {
					t.Errorf("an edge returned v%d after NATS was back, want v%d", got.version, version)
				}
			}
		})
	}
}

// startEdges starts a process with all services, and one with an edge only, and returns the
// URLs of their edges. Each uses a NATS URL.
func startEdges(t *testing.T, firstNATS, secondNATS string) [2]string {
	t.Helper()
	all := Config{NATSURL: firstNATS}
	all.Directory.Addr, all.Alert.Addr = "127.0.0.1:0", "127.0.0.1:0"
	first := runProcess(t, all)
	second := runProcess(t, Config{
		Services: []string{Edge}, NATSURL: secondNATS,
		DirectoryServiceURL: "http://" + first.Addr(Directory), AlertURL: "http://" + first.Addr(Alert),
	})
	return [2]string{"http://" + first.Addr(Edge), "http://" + second.Addr(Edge)}
}

// runProcess runs a process until the test ends.
func runProcess(t testing.TB, config Config) *App {
	t.Helper()
	config.Data, config.Log, config.Edge.Addr = t.TempDir(), slog.New(slog.DiscardHandler), "127.0.0.1:0"
	config.Edge.Admission.AddressLimit = "off" // the test sends as many requests as it can
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	a, err := New(ctx, config)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return a
}

// startNATS starts a NATS server with JetStream and returns its URL.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s.ClientURL()
}

// createGroup creates a group and returns its path.
func createGroup(t *testing.T, edge, name string) string {
	t.Helper()
	res := request(t, http.MethodPost, edge+"/v1/groups", `{"groupName":"`+name+`"}`, http.StatusCreated)
	var group struct{ ID int }
	if err := json.Unmarshal([]byte(res.body), &group); err != nil || group.ID == 0 {
		t.Fatalf("created group is %s: %v", res.body, err)
	}
	return "/v1/groups/" + strconv.Itoa(group.ID)
}

// waitForHits waits until each edge answers from its cache.
func waitForHits(t *testing.T, edges [2]string, path string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for _, edge := range edges {
		for readVersion(t, edge, path).age == "" {
			if time.Now().After(deadline) {
				t.Fatal("no answer is from the cache")
			}
		}
	}
}

// A versionRead is a read of a group whose name is its version.
type versionRead struct {
	version int64
	age     string // the header Age; empty if the answer is not from the cache
}

// readVersion reads a group or its members.
func readVersion(t *testing.T, edge, path string) versionRead {
	t.Helper()
	res := request(t, http.MethodGet, edge+path, "", http.StatusOK)
	var group struct{ GroupName string }
	if err := json.Unmarshal([]byte(res.body), &group); err != nil {
		t.Errorf("%s: %v", res.body, err)
	}
	version, err := strconv.ParseInt(strings.TrimPrefix(group.GroupName, "v"), 10, 64)
	if err != nil {
		t.Errorf("%s: %v", res.body, err)
	}
	return versionRead{version, res.header.Get("Age")}
}

// A response is the result of request.
type response struct {
	header http.Header
	body   string
}

// request makes a request and checks the status of its response.
func request(t *testing.T, method, url, body string, status int) response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return response{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Errorf("%s %s: status %d, want %d: %s %v", method, url, res.StatusCode, status, text, err)
	}
	return response{res.Header, string(text)}
}

// A link forwards TCP connections to a server until it is lost.
type link struct {
	addr, server string
	listener     net.Listener

	mu     sync.Mutex
	conns  []net.Conn
	closed bool          // new connections are closed at once
	silent chan struct{} // closed when data is forwarded again; nil if it is
}

// startLink starts a link to a server.
func startLink(t *testing.T, to string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{addr: listener.Addr().String(), server: to, listener: listener}
	var pumps sync.WaitGroup
	pumps.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil || !l.add(near, far) {
				_ = near.Close()
				continue
			}
			pumps.Go(func() { l.pump(near, far) })
			pumps.Go(func() { l.pump(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.close()
		l.restore()
		pumps.Wait()
	})
	return l
}

// add keeps the ends of a connection, or closes the far one if the link is closed.
func (l *link) add(near, far net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = far.Close()
		return false
	}
	l.conns = append(l.conns, near, far)
	return true
}

// pump forwards data until a connection ends, and none while the link is silent.
func (l *link) pump(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	data := make([]byte, 4096)
	for {
		n, err := from.Read(data)
		l.mu.Lock()
		silent := l.silent
		l.mu.Unlock()
		if silent != nil {
			<-silent
		}
		if err != nil {
			return
		}
		if _, err := to.Write(data[:n]); err != nil {
			return
		}
	}
}

// close closes all connections, and new ones.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

// silence forwards no data until restore.
func (l *link) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = make(chan struct{})
}

// restore forwards again.
func (l *link) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = false
	if l.silent != nil {
		close(l.silent)
		l.silent = nil
	}
}
