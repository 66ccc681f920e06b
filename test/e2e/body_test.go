package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// gzipOf returns gzip data of n MiB of spaces: 1 MB for 1 GiB.
func gzipOf(t *testing.T, mebibytes int) []byte {
	t.Helper()
	var part bytes.Buffer
	w := gzip.NewWriter(&part)
	_, err := w.Write(bytes.Repeat([]byte(" "), 1<<20))
	must(t, err)
	must(t, w.Close())
	return bytes.Repeat(part.Bytes(), mebibytes)
}

// residentBytes returns the resident memory of a process.
func residentBytes(t *testing.T, p *proc.Process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.ID()))
	if err != nil {
		t.Skip("no /proc to read the memory of a process from")
	}
	kilobytes, err := strconv.Atoi(regexp.MustCompile(`VmRSS:\s+(\d+)`).FindStringSubmatch(string(status))[1])
	must(t, err)
	return kilobytes << 10
}

// TestGzipOf1GB sends 1 MB that decompresses to 1 GB to every kind of path: it is
// refused, and takes little memory.
func TestGzipOf1GB(t *testing.T) {
	process := binaries.Serve(t, append([]string{"--services=all,mockup", "--demo-data", "--data=" + t.TempDir()}, anywhere...)...)
	urls := process.URLs(t, 5)
	bomb := gzipOf(t, 1024)
	if len(bomb) > 1<<20+1<<19 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	before := residentBytes(t, process)
	for _, c := range []struct{ service, path, contentType string }{
		{"edge", "/v1/alerts", "application/json"},
		{"edge", "/v1/groups", "application/json"},
		{"edge", "/v1/users", "application/json"},
		{"edge", "/v1/intake/alertmanager", "application/json"},
		{"edge", "/v1/callbacks/twilio/1", "application/x-www-form-urlencoded"},
		{"edge", "/bongsu.alert.v1.AlertService/SendAlert", "application/json"},
		{"edge", "/bongsu.intake.v1.IntakeService/Receive", "application/json"},
		{"edge", "/bongsu.user.v1.TransferService/ImportDirectory", "application/json"},
		{"edge", "/grpc.health.v1.Health/Check", "application/json"},
		{"alert", "/v1/alerts", "application/json"},
		{"alert", "/bongsu.job.v1.DispatchService/Claim", "application/json"},
		{"directory", "/bongsu.user.v1.DirectoryService/LookUp", "application/json"},
		{"directory", "/UserInfo/getUserList", "application/json"},
		{"mockup", "/bongsu.mockup.v1.MockupService/ListCalls", "application/json"},
	} {
		t.Run(c.service+c.path, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, urls[c.service]+c.path, bytes.NewReader(bomb))
			must(t, err)
			req.Header.Set("Content-Type", c.contentType)
			req.Header.Set("Content-Encoding", "gzip")
			res, err := http.DefaultClient.Do(req)
			must(t, err)
			defer res.Body.Close()
			answer, err := io.ReadAll(res.Body)
			must(t, err)
			want := http.StatusTooManyRequests // of resource_exhausted in Connect
			if strings.HasPrefix(c.path, "/v1/") {
				want = http.StatusRequestEntityTooLarge
			}
			if res.StatusCode != want || !bytes.Contains(answer, []byte("larger")) {
				t.Errorf("%d %s", res.StatusCode, answer)
			}
		})
	}
	if after := residentBytes(t, process); after-before > 300<<20 {
		t.Errorf("memory grew by %d MB", (after-before)>>20)
	}
	if _, answer := request(t, http.MethodGet, urls["edge"]+"/v1/alerts", ""); !strings.Contains(answer, `"alerts":[]`) {
		t.Errorf("something was stored: %s", answer)
	}
}

// TestGzipOf1GBByEachProtocol checks the same limit over gRPC and gRPC-Web.
func TestGzipOf1GBByEachProtocol(t *testing.T) {
	d := oneProcess(t)
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			if strings.Contains(p.name, "GET") {
				t.Skip("the request is in the URL")
			}
			alerts := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, p.option, connect.WithSendGzip())
			_, err := alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@user1"}, Message: strings.Repeat("x", 64<<20)})
			wantCode(t, err, connect.CodeResourceExhausted)
		})
	}
}

// TestIntakeTakes16MiB checks that every hop accepts an intake body at the limit.
func TestIntakeTakes16MiB(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		alert := `{"version":"4","alerts":[{"status":"firing","fingerprint":"a","labels":{"alertname":"A","bongsu_target":"@user1"},"annotations":{"summary":"s"},"generatorURL":""}],"more":"`
		body := alert + strings.Repeat("x", 16<<20-len(alert)-2) + `"}`
		status, answer := request(t, http.MethodPost, d.edge+"/v1/intake/alertmanager", body)
		if len(body) != 16<<20 || status != http.StatusOK || !strings.Contains(answer, `"userCount":1`) {
			t.Errorf("%d bytes: %d %s", len(body), status, answer)
		}
		if status, answer := request(t, http.MethodPost, d.edge+"/v1/intake/alertmanager", body+" "); status != http.StatusRequestEntityTooLarge {
			t.Errorf("one byte more: %d %s", status, answer)
		}
	})
}

// unfinished opens connections that declare a body of 1 MiB and send 3 bytes.
func unfinished(t *testing.T, url, path, contentType string, count int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, count)
	for i := range conns {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		must(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 1048576\r\n\r\n{\"a", path, contentType)
		must(t, err)
		conns[i] = conn
	}
	return conns
}

// Test1000UnfinishedBodiesHoldLittle checks that memory grows with received bytes, not
// with declared ones, and that other requests are served meanwhile.
func Test1000UnfinishedBodiesHoldLittle(t *testing.T) {
	process := binaries.Serve(t, "--demo-data", "--data="+t.TempDir(), "--edge-addr=127.0.0.1:0", "--max-connections=1500")
	edge := process.URLs(t, 1)["edge"]
	before := residentBytes(t, process)
	for _, path := range []string{"/v1/alerts", "/v1/intake/alertmanager", "/bongsu.alert.v1.AlertService/SendAlert", "/bongsu.user.v1.TransferService/ImportDirectory"} {
		unfinished(t, edge, path, "application/json", 250)
	}
	for range 20 {
		if status, answer := request(t, http.MethodGet, edge+"/v1/groups", ""); status != http.StatusOK {
			t.Errorf("%d %s", status, answer)
		}
	}
	if after := residentBytes(t, process); after-before > 150<<20 {
		t.Errorf("memory grew by %d MB", (after-before)>>20)
	}
}

// TestUnfinishedImportsBlockNobody checks that export and import work beside eight
// imports with unfinished bodies, with four concurrent imports allowed.
func TestUnfinishedImportsBlockNobody(t *testing.T) {
	d := oneProcess(t)
	unfinished(t, d.edge, "/bongsu.user.v1.TransferService/ImportDirectory", "application/proto", 8)
	unfinished(t, d.directory, "/bongsu.user.v1.TransferService/ImportDirectory", "application/proto", 8)
	began := time.Now()
	for range 3 {
		if out := bongsu(t, "export", "--server="+d.edge); !strings.Contains(out, "user1") {
			t.Errorf("export: %s", out)
		}
	}
	if took := time.Since(began); took > 25*time.Second { // before the timeout of the first unfinished import
		t.Errorf("export and import took %s", took)
	}
}

// TestConnectionsAreBoundedAndLogged fills the connections of a process with unfinished
// bodies. The limit is logged once, and a waiting connection is served when one closes.
func TestConnectionsAreBoundedAndLogged(t *testing.T) {
	const limit = 40
	process := binaries.Serve(t, "--demo-data", "--data="+t.TempDir(), "--edge-addr=127.0.0.1:0", fmt.Sprintf("--max-connections=%d", limit))
	edge := process.URLs(t, 1)["edge"]
	held := unfinished(t, edge, "/v1/alerts", "application/json", limit)
	waiting := make(chan int, 5)
	for range cap(waiting) {
		go func() {
			res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(edge + "/v1/groups")
			if err != nil {
				waiting <- 0
				return
			}
			_ = res.Body.Close()
			waiting <- res.StatusCode
		}()
	}
	full := regexp.MustCompile(`"level":"WARN","msg":"connection limit reached[^\n]*"limit":40`)
	process.Await(t, full, 1)
	for _, conn := range held {
		must(t, conn.Close())
	}
	for range cap(waiting) {
		if status := <-waiting; status != http.StatusOK {
			t.Errorf("the waiting request returned %d", status)
		}
	}
	if n := len(full.FindAllString(process.Log(), -1)); n != 1 {
		t.Errorf("the limit was logged %d times", n)
	}
}
