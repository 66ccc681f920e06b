package e2e

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// TestKilledUpstream kills the alert service during calls and watches: callers of the
// edge get unavailable over every protocol, without an address; the edge logs a
// warning.
func TestKilledUpstream(t *testing.T) {
	d := sixProcesses(t)
	d.fault(t, &mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3600"}})
	id := d.send(t, `{"target":["@user1"],"message":"m"}`).ID
	const wantText = "alert service unavailable; try again"
	check := func(t *testing.T, err error) {
		t.Helper()
		wantCode(t, err, connect.CodeUnavailable)
		if !strings.Contains(err.Error(), wantText) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%v", err)
		}
	}
	streams := map[string]*connect.ServerStreamForClient[alertv1.WatchAlertResponse]{}
	for _, p := range protocols {
		stream, err := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, p.option).WatchAlert(t.Context(), &alertv1.WatchAlertRequest{Id: id})
		must(t, err)
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
		streams[p.name] = stream
	}
	d.parts["alert"].Kill()
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			for streams[p.name].Receive() {
			}
			check(t, streams[p.name].Err())
			_, err := alertv1connect.NewAlertServiceClient(http2Client(), d.edge, p.option).GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: id})
			check(t, err)
		})
	}
	status, answer := request(t, http.MethodGet, d.edge+"/v1/alerts/"+id, "")
	if status < 500 || !strings.Contains(answer, `"code":14`) || !strings.Contains(answer, wantText) || strings.Contains(answer, "127.0.0.1") {
		t.Errorf("REST: %d %s", status, answer)
	}
	d.parts["edge"].Await(t, regexp.MustCompile(`"level":"WARN","msg":"upstream unavailable","upstream":"alert"`), 1)
}

// TestUpstreamDiesBeforeRead connects the edge to services that accept and
// close connections.
func TestUpstreamDiesBeforeRead(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0) //nolint:forcetypeassert // the connection is TCP
			_ = conn.Close()
		}
	}()
	dying := "http://" + listener.Addr().String()
	edge := binaries.Serve(t, "--services=edge", "--edge-addr=127.0.0.1:0", "--data="+t.TempDir(), "--directory-service-url="+dying, "--alert-url="+dying, "--access-service-url="+dying)
	url := edge.URLs(t, 1)["edge"]
	for _, c := range []struct{ method, path, body, upstream string }{
		{http.MethodPost, "/v1/alerts", `{"target":["@user1"],"message":"m"}`, "alert"},
		{http.MethodGet, "/v1/groups", "", "directory"},
		{http.MethodGet, "/v1/users", "", "directory"},
		{http.MethodGet, "/v1/keys", "", "access"},
		{http.MethodGet, "/v1/audit", "", "access"},
		{http.MethodGet, "/v1/messengers", "", "alert"},
		{http.MethodPost, "/v1/intake/alertmanager", `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"a","bongsu_target":"@user1"},"startsAt":"2026-11-20T03:12:45Z","fingerprint":"c9"}]}`, "alert"},
	} {
		status, answer := request(t, c.method, url+c.path, c.body)
		if status < 500 || !strings.Contains(answer, c.upstream+" service unavailable; try again") || strings.Contains(answer, "127.0.0.1") {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
		}
	}
}
