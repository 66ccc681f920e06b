package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/test/proc"
)

// from returns a client whose connections come from an address of this machine.
func from(t *testing.T, address string) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: dialerFrom(address).DialContext, MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: proc.Patience}
}

func dialerFrom(address string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: proc.Patience}
}

// statusOf sends a request without a body and returns the status of its response.
func statusOf(ctx context.Context, client *http.Client, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// flood sends requests from an address until one is answered by a status, and returns the
// number of responses by status.
func flood(t *testing.T, url, address string, until int) map[int]int {
	t.Helper()
	client, ctx := from(t, address), t.Context()
	ctx, cancel := context.WithTimeout(ctx, proc.Patience)
	defer cancel()
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				status, err := statusOf(ctx, client, url+"/v1/groups")
				mu.Lock()
				statuses[status]++
				reached := statuses[until] > 0
				mu.Unlock()
				if err != nil || reached {
					return
				}
			}
		})
	}
	all.Wait()
	if statuses[until] == 0 || statuses[0] > 0 {
		t.Fatalf("responses by status: %v", statuses)
	}
	return statuses
}

// TestFlood floods the edge from one address: it gets 429, and then 403, also at another edge
// that shares the NATS server. Callers from other addresses notice nothing.
func TestFlood(t *testing.T) {
	limits := []string{"--address-limit=20/s", "--ban-after=50", "--ban-time=1h"}
	d := sixProcesses(t, limits...)
	serve := func() (edge string) {
		more := slices.Concat(limits, anywhere, []string{"--services=edge", "--data=" + t.TempDir(), "--nats-url=" + d.nats, "--directory-service-url=" + d.directory, "--alert-url=" + d.alert})
		return binaries.Serve(t, more...).URLs(t, 1)["edge"]
	}
	first, second := serve(), serve()

	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	var latencies []time.Duration
	others.Go(func() {
		client := from(t, "127.0.0.3")
		ticker := time.NewTicker(time.Second / 10) // below the limit
		defer ticker.Stop()
		for {
			start := time.Now()
			status, err := statusOf(context.WithoutCancel(ctx), client, first+"/v1/groups")
			latencies = append(latencies, time.Since(start))
			if err != nil || status != http.StatusOK {
				t.Errorf("another address during the flood: %d, %v", status, err)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	statuses := flood(t, first, "127.0.0.2", http.StatusForbidden)
	flood(t, first, "127.0.0.4", http.StatusForbidden)
	stop()
	others.Wait()
	slices.Sort(latencies)
	t.Logf("responses by status: %v; another address: %d requests, the slowest took %s", statuses, len(latencies), latencies[len(latencies)-1])
	if statuses[http.StatusOK] < 40 || statuses[http.StatusTooManyRequests] < 51 {
		t.Errorf("responses by status: %v; want the burst served, and more than --ban-after refused", statuses)
	}

	banned := from(t, "127.0.0.2")
	waitCtx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for { // the ban reaches the other edge within a second
		status, err := statusOf(waitCtx, banned, second+"/v1/groups")
		must(t, err)
		if status == http.StatusForbidden {
			break
		}
		look(waitCtx, t)
	}
	for _, edge := range []string{first, second} {
		if status, err := statusOf(t.Context(), from(t, "127.0.0.3"), edge+"/v1/groups"); err != nil || status != http.StatusOK {
			t.Errorf("another address: %d, %v", status, err)
		}
	}
	for _, edge := range []string{first, second} {
		if status, bans := request(t, http.MethodGet, edge+"/v1/bans", ""); status != http.StatusOK || !strings.Contains(bans, `"127.0.0.2"`) || !strings.Contains(bans, `"127.0.0.4"`) {
			t.Errorf("bans: %d %s", status, bans)
		}
	}
	_, metrics := request(t, http.MethodGet, first+"/metrics", "")
	for _, line := range []string{`bongsu_edge_refusals_total{reason="address_limit"} `, `bongsu_edge_refusals_total{reason="banned"} `, "bongsu_edge_bans_total 2", "bongsu_edge_banned_addresses 2"} {
		if !strings.Contains(metrics, line) {
			t.Errorf("the metrics lack %s:\n%s", line, metrics)
		}
	}

	// A ban that is lifted at one edge ends at both.
	if status, answer := request(t, http.MethodDelete, second+"/v1/bans/127.0.0.2", ""); status != http.StatusOK {
		t.Errorf("lift: %d %s", status, answer)
	}
	if status, answer := request(t, http.MethodDelete, second+"/v1/bans/127.0.0.2", ""); status != http.StatusNotFound {
		t.Errorf("lift again: %d %s", status, answer)
	}
	for _, edge := range []string{second, first} {
		for {
			status, err := statusOf(waitCtx, banned, edge+"/v1/groups")
			must(t, err)
			if status != http.StatusForbidden {
				break
			}
			look(waitCtx, t)
		}
	}
}

// TestTrustedProxies limits the clients of a trusted proxy by their own addresses, and the
// clients of others by the address of the connection.
func TestTrustedProxies(t *testing.T) {
	d := oneProcess(t, "--address-limit=1/h", "--trusted-proxies=127.0.0.2")
	for _, c := range []struct {
		peer, forwarded string
		want            int
	}{
		{"127.0.0.2", "198.51.100.1", 200}, {"127.0.0.2", "198.51.100.1", 200}, {"127.0.0.2", "198.51.100.1", 429},
		{"127.0.0.2", "203.0.113.1, 198.51.100.1", 429}, {"127.0.0.2", "198.51.100.2", 200},
		{"127.0.0.3", "198.51.100.3", 200}, {"127.0.0.3", "198.51.100.4", 200}, {"127.0.0.3", "198.51.100.5", 429},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.edge+"/v1/groups", nil)
		must(t, err)
		req.Header.Set("X-Forwarded-For", c.forwarded)
		res, err := from(t, c.peer).Do(req)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != c.want {
			t.Errorf("%s for %s: %d, want %d", c.peer, c.forwarded, res.StatusCode, c.want)
		}
	}
}

// TestStreamsPerCaller refuses the streams of an address beyond its bound, and not those of
// others; a stream that ends makes room.
func TestStreamsPerCaller(t *testing.T) {
	d := oneProcess(t, "--max-streams-per-caller=2", "--max-streams=4")
	d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}, BodyContains: "USER7_CHANNEL_ID"})
	id := d.send(t, `{"target":["@user7"],"message":"m"}`).ID
	watch := func(address string, options ...connect.ClientOption) connect.Code {
		t.Helper()
		stream, err := alertv1connect.NewAlertServiceClient(from(t, address), d.edge, options...).WatchAlert(t.Context(), &alertv1.WatchAlertRequest{Id: id})
		if err == nil && !stream.Receive() {
			err = stream.Err()
		}
		if err != nil {
			return connect.CodeOf(err)
		}
		return 0
	}
	for i, c := range []struct {
		address string
		code    connect.Code
	}{
		{"127.0.0.2", 0}, {"127.0.0.2", 0}, {"127.0.0.2", connect.CodeResourceExhausted},
		{"127.0.0.3", 0}, {"127.0.0.3", 0}, {"127.0.0.4", connect.CodeUnavailable},
	} {
		for _, options := range [][]connect.ClientOption{nil, {connect.WithGRPCWeb()}} {
			if c.code == 0 && options != nil {
				continue
			}
			if code := watch(c.address, options...); code != c.code {
				t.Errorf("stream %d of %s: %v, want %v", i, c.address, code, c.code)
			}
		}
	}
	_, metrics := request(t, http.MethodGet, d.edge+"/metrics", "")
	for _, line := range []string{"bongsu_edge_streams 4\n", `bongsu_edge_refusals_total{reason="max_streams_per_caller"} 2`, `bongsu_edge_refusals_total{reason="max_streams"} 2`} {
		if !strings.Contains(metrics, line) {
			t.Errorf("the metrics lack %s:\n%s", line, metrics)
		}
	}
	_, err := d.alerts().CancelAlert(t.Context(), &alertv1.CancelAlertRequest{Id: id}) // ends all streams
	must(t, err)
	id = d.send(t, `{"target":["@user7"],"message":"m"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		if code := watch("127.0.0.2"); code == 0 {
			return
		}
		look(ctx, t)
	}
}

// TestIdleAndSlowConnections holds 10,000 idle connections and 1,000 with requests that do not
// arrive (usually a tenth of them), from many addresses: callers from others are served.
func TestIdleAndSlowConnections(t *testing.T) {
	idle, slow := testenv.Pick(1000, 10_000), testenv.Pick(100, 1000)
	d := oneProcess(t, "--address-limit=50/s", fmt.Sprintf("--max-connections=%d", idle)) // fewer than there are: idle ones make room
	target := strings.TrimPrefix(d.edge, "http://")
	source := func(i int) string { return fmt.Sprintf("127.0.%d.%d", 1+i/40/200, 1+i/40%200) } // 40 connections each, below the limit
	open := func(i int, request, want string) {
		conn, err := dialerFrom(source(i)).DialContext(t.Context(), "tcp", target)
		if err != nil {
			t.Errorf("connection %d: %v", i, err)
			return
		}
		t.Cleanup(func() { conn.Close() }) //nolint:errcheck // the server may have closed it
		response := make([]byte, len(want))
		if err = conn.SetDeadline(time.Now().Add(proc.Patience)); err == nil {
			_, err = io.WriteString(conn, request)
		}
		if err == nil {
			_, err = io.ReadFull(conn, response)
		}
		if err != nil || string(response) != want {
			t.Errorf("connection %d: %q, %v", i, response, err)
		}
	}
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := worker; i < idle; i += 16 {
				open(i, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 OK\r\n")
			}
			for i := worker; i < slow; i += 16 {
				open(idle+i, "POST /v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", "")
			}
		})
	}
	all.Wait()
	client := from(t, "127.0.0.9")
	var latencies []time.Duration
	for range 60 {
		start := time.Now()
		status, err := statusOf(t.Context(), client, d.edge+"/v1/groups")
		if err != nil || status != http.StatusOK {
			t.Fatalf("with %d idle and %d slow connections: %d, %v", idle, slow, status, err)
		}
		latencies = append(latencies, time.Since(start))
	}
	slices.Sort(latencies)
	t.Logf("%d idle and %d slow connections; of %d requests the median took %s, the slowest %s", idle, slow, len(latencies), latencies[len(latencies)/2], latencies[len(latencies)-1])
	_, metrics := request(t, http.MethodGet, d.edge+"/metrics", "")
	if want := fmt.Sprintf("bongsu_edge_calls %d\n", slow+1); !strings.Contains(metrics, want) { // with this request
		t.Errorf("the metrics lack %s:\n%s", want, metrics)
	}
	if latencies[len(latencies)-1] > 3*time.Second {
		t.Errorf("the slowest request took %s", latencies[len(latencies)-1])
	}
}
