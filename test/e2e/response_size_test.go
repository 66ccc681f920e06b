package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// maxErrorAnswer is the maximum size of an error response with its headers.
const maxErrorAnswer = 16 << 10

// TestAnswersToBadRequestsAreSmall sends requests with many or long violations, values
// and texts: each response is a few kilobytes and quick, and neither memory nor the log
// grows.
func TestAnswersToBadRequestsAreSmall(t *testing.T) {
	p := binaries.Serve(t, append([]string{"--services=all,mockup", "--demo-data", "--log-level=debug", "--data=" + t.TempDir()}, anywhere...)...)
	urls := p.URLs(t, 5)
	before := peakMemory(t, p)
	const send, replay, imports = "/bongsu.alert.v1.AlertService/SendAlert", "/bongsu.alert.v1.AlertService/ReplayDeliveries", "/bongsu.user.v1.TransferService/ImportDirectory"
	details := wire(t, &alertv1.SendAlertRequest{Details: []*alertv1.Detail{{}}}, 500_000)
	members := wire(t, &userv1.ImportDirectoryRequest{Groups: []*userv1.TransferGroup{{Members: make([]string, 100_000)}}}, 10)
	long := strings.Repeat("x", 900_000)
	for _, c := range []struct {
		name, path, contentType string
		body                    []byte
		gzip                    bool
	}{
		{"500,000 empty details in gzip", send, "application/proto", details, true},
		{"500,000 empty details in gRPC-Web", send, "application/grpc-web+proto", envelopeOf(details), false},
		{"1 MB of empty details, REST", "/v1/alerts", "application/json", []byte(`{"details":[{}` + strings.Repeat(",{}", 330_000) + `]}`), false},
		{"1 MB of empty details, Connect JSON", send, "application/json", []byte(`{"details":[{}` + strings.Repeat(",{}", 330_000) + `]}`), false},
		{"100,000 empty ids, REST", "/v1/deliveries:replay", "application/json", []byte(`{"deliveryIds":[""` + strings.Repeat(`,""`, 99_000) + `]}`), false},
		{"1,000 empty ids", replay, "application/json", []byte(`{"deliveryIds":[""` + strings.Repeat(`,""`, 999) + `]}`), false},
		{"a long target", "/v1/alerts", "application/json", []byte(`{"message":"m","target":["` + long + `"]}`), false},
		{"1,000 unknown targets, strict", "/v1/alerts", "application/json", []byte(`{"strict":true,"message":"m","target":["@a"` + targets(999) + `]}`), false},
		{"a long field name, REST", "/v1/alerts", "application/json", []byte(`{"` + long + `":1}`), false},
		{"a long value of a wrong type", send, "application/json", []byte(`{"target":"` + long + `"}`), false},
		{"a long number", send, "application/json", []byte(`{"ttl":` + strings.Repeat("1", 900_000) + `}`), false},
		{"a long duration", send, "application/json", []byte(`{"ttl":"` + long + `"}`), false},
		{"deep JSON", send, "application/json", []byte(strings.Repeat(`{"a":`, 150_000)), false},
		{"deep JSON, REST", "/v1/alerts", "application/json", []byte(strings.Repeat(`[`, 900_000)), false},
		{"4,000,000 empty addresses in gzip", imports, "application/proto", addresses(t, 4_000_000), true},
		{"4,000,000 empty addresses in JSON", imports, "application/json", []byte(`{"users":[{"addresses":[{}` + strings.Repeat(",{}", 3_999_999) + `]}]}`), true},
		{"100,000 empty users", imports, "application/proto", wire(t, &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{{}}}, 100_000), true},
		{"1,000,000 empty members", imports, "application/proto", members, true},
		{"a user with a long name", imports, "application/json", []byte(`{"users":[{"nickName":"` + long + `"}]}`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, urls["edge"]+c.path, bytes.NewReader(squeeze(t, c.gzip, c.body)))
			must(t, err)
			req.Header.Set("Content-Type", c.contentType)
			if c.gzip {
				req.Header.Set("Content-Encoding", "gzip")
			}
			start := time.Now()
			res, err := http.DefaultClient.Do(req)
			must(t, err)
			defer res.Body.Close()
			answer, err := io.ReadAll(res.Body)
			must(t, err)
			refused := res.StatusCode == http.StatusBadRequest || strings.HasPrefix(c.contentType, "application/grpc") && res.Header.Get("Grpc-Status") == "3"
			if !refused || len(answer) > maxErrorAnswer || time.Since(start) > 10*time.Second {
				t.Errorf("%s with %d bytes after %s: %.300s", res.Status, len(answer), time.Since(start), answer)
			}
		})
	}
	for _, path := range []string{
		"/v1/alerts?state=%s", "/v1/alerts?pageSize=%s", "/v1/alerts?%s=1", "/v1/alerts/%s", "/v1/groups/%s", "/v1/%s", "/%s", "/v1/users/%s/addresses",
		"/bongsu.alert.v1.AlertService/ListAlerts?encoding=json&message=e30&compression=%s", "/bongsu.alert.v1.AlertService/ListAlerts?message=e30&encoding=%s",
		"/bongsu.alert.v1.AlertService/ListAlerts?encoding=json&message=%s", "/bongsu.alert.v1.AlertService/%s",
	} {
		t.Run("GET "+path, func(t *testing.T) {
			status, answer := request(t, http.MethodGet, urls["edge"]+strings.Replace(path, "%s", long[:50_000], 1), "")
			if status < 400 && path != "/v1/alerts?%s=1" || len(answer) > maxErrorAnswer {
				t.Errorf("%d with %d bytes: %.300s", status, len(answer), answer)
			}
		})
	}
	t.Run("gRPC", func(t *testing.T) {
		alerts := alertv1connect.NewAlertServiceClient(http2Client(), urls["edge"], connect.WithGRPC(), connect.WithSendGzip())
		_, err := alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Details: make([]*alertv1.Detail, 500_000)})
		wantCode(t, err, connect.CodeInvalidArgument)
		if len(err.Error()) > maxErrorAnswer {
			t.Errorf("%d bytes", len(err.Error()))
		}
		transfers := userv1connect.NewTransferServiceClient(http2Client(), urls["edge"], connect.WithGRPC(), connect.WithSendGzip())
		_, err = transfers.ImportDirectory(t.Context(), &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{{Addresses: make([]*userv1.TransferAddress, 4_000_000)}}})
		wantCode(t, err, connect.CodeInvalidArgument)
	})
	if peak := peakMemory(t, p); peak-before > 400<<20 {
		t.Errorf("memory grew by %d MB", (peak-before)>>20)
	}
	if logged := len(p.Log()); logged > 500_000 {
		t.Errorf("the log grew by %d bytes", logged)
	}
}

// wire returns a message repeated n times on the wire.
func wire(t *testing.T, m proto.Message, n int) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	must(t, err)
	return bytes.Repeat(data, n)
}

// addresses returns an import of one user with n empty addresses.
func addresses(t *testing.T, n int) []byte {
	t.Helper()
	data, err := proto.Marshal(&userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{{Addresses: make([]*userv1.TransferAddress, n)}}})
	must(t, err)
	return data
}

func targets(n int) string {
	var all strings.Builder
	for i := range n {
		all.WriteString(`,"@someone with a long name ` + strconv.Itoa(i%1000) + `"`)
	}
	return all.String()
}

// envelopeOf returns a message in a gRPC frame.
func envelopeOf(data []byte) []byte {
	n := len(data)
	return append([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, data...)
}

// squeeze returns data, compressed with gzip if zip is set.
func squeeze(t *testing.T, zip bool, data []byte) []byte {
	t.Helper()
	if !zip {
		return data
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

// peakMemory returns the peak memory of a process in bytes.
func peakMemory(t *testing.T, p *proc.Process) int {
	t.Helper()
	return memoryOf(t, p, "VmHWM")
}

// memory returns the memory of a process in bytes.
func memory(t *testing.T, p *proc.Process) int {
	t.Helper()
	return memoryOf(t, p, "VmRSS")
}

func memoryOf(t *testing.T, p *proc.Process, what string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.ID()) + "/status")
	must(t, err)
	found := regexp.MustCompile(what + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatal("no memory of the process in /proc")
	}
	kb, err := strconv.Atoi(string(found[1]))
	must(t, err)
	return kb << 10
}

// processorTime returns the CPU time that a process has used.
func processorTime(t *testing.T, p *proc.Process) time.Duration {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.ID()) + "/stat")
	must(t, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		must(t, err)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}
