package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/userinfo"
)

// A foreignRequest is a request that a browser sends for a page.
type foreignRequest struct {
	method, url, host, origin, contentType, body string
}

// A reply is a response without its body.
type reply struct {
	status int
	header http.Header
}

// do returns the response and its body.
func (v foreignRequest) do(t *testing.T) (reply, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), v.method, v.url, strings.NewReader(v.body))
	must(t, err)
	if v.host != "" {
		req.Host = v.host
	}
	for name, value := range map[string]string{"Origin": v.origin, "Content-Type": v.contentType} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return reply{res.StatusCode, res.Header}, body
}

// envelope returns a message in the framing of gRPC and gRPC-Web.
func envelope(t *testing.T, m proto.Message) string {
	t.Helper()
	data, err := proto.Marshal(m)
	must(t, err)
	var text bytes.Buffer
	text.WriteByte(0)
	must(t, binary.Write(&text, binary.BigEndian, uint32(len(data))))
	text.Write(data)
	return text.String()
}

// TestForeignPages sends requests of a foreign page to every port, with its own Origin
// and, by DNS rebinding, with its own Host: none is executed, and no data is returned.
func TestForeignPages(t *testing.T) {
	config := filepath.Join(t.TempDir(), "intake.yaml")
	must(t, os.WriteFile(config, []byte("alertmanager: {target: ['@all']}\nanything: {target: ['@all'], template: {message: x}}\n"), 0o600))
	t.Run("one process", func(t *testing.T) { foreignPages(t, oneProcess(t, "--intake-config="+config)) })
	t.Run("six processes", func(t *testing.T) { foreignPages(t, sixProcesses(t)) })
}

func foreignPages(t *testing.T, d deployment) {
	const alert = `{"target":["@all"],"message":"from a page"}`
	web := envelope(t, &alertv1.SendAlertRequest{Target: []string{"@all"}, Message: "from a page"})
	visits := map[string]foreignRequest{
		"REST":                  {method: "POST", url: d.edge + "/v1/alerts", contentType: "application/json", body: alert},
		"REST as text":          {method: "POST", url: d.edge + "/v1/alerts", contentType: "text/plain", body: alert},
		"REST without a body":   {method: "POST", url: d.edge + "/v1/alerts/0000000000001:cancel"},
		"REST DELETE":           {method: "DELETE", url: d.edge + "/v1/groups/1"},
		"REST PUT":              {method: "PUT", url: d.edge + "/v1/groups/1", contentType: "application/json", body: `{"groupName":"x"}`},
		"Connect":               {method: "POST", url: d.edge + "/bongsu.alert.v1.AlertService/SendAlert", contentType: "application/json", body: alert},
		"gRPC-Web":              {method: "POST", url: d.edge + "/bongsu.alert.v1.AlertService/SendAlert", contentType: "application/grpc-web+proto", body: web},
		"intake":                {method: "POST", url: d.edge + "/v1/intake/alertmanager", contentType: "text/plain", body: `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"x"}}]}`},
		"intake, JSON":          {method: "POST", url: d.edge + "/v1/intake/anything", contentType: "application/json", body: `{}`},
		"intake without a body": {method: "POST", url: d.edge + "/v1/intake/anything"},
		"callback":              {method: "POST", url: d.edge + "/v1/callbacks/twilio/1", contentType: "application/x-www-form-urlencoded", body: "MessageSid=1&MessageStatus=delivered"},
		"group":                 {method: "DELETE", url: d.directory + "/v1/groups/1"},
		"UserInfo":              {method: "POST", url: d.directory + "/UserInfo/getUserList", contentType: "application/json", body: `{"name":["@all"]}`},
		"UserInfo by gRPC-Web":  {method: "POST", url: d.directory + "/UserInfo/getUserList", contentType: "application/grpc-web+proto", body: envelope(t, &userinfo.NicknameOrTeam{Name: []string{"@all"}})},
		"directory":             {method: "POST", url: d.directory + "/bongsu.user.v1.DirectoryService/LookUp", contentType: "application/json", body: `{"target":["@all"]}`},
		"export":                {method: "POST", url: d.directory + "/bongsu.user.v1.TransferService/ExportDirectory", contentType: "application/json", body: `{"withSecrets":true}`},
		"alert":                 {method: "POST", url: d.alert + "/v1/alerts", contentType: "application/json", body: alert},
		"sender":                {method: "POST", url: d.sender + "/readyz"},
		"mockup":                {method: "POST", url: d.mockup + "/api/chat.postMessage", contentType: "application/json", body: `{"channel":"C1","text":"from a page"}`},
	}
	for name, v := range visits {
		t.Run(name, func(t *testing.T) {
			port := portOf(t, v.url)
			foreign, rebound := v, v
			foreign.origin = "http://evil.example"
			rebound.origin, rebound.host = "http://evil.example:"+port, "evil.example:"+port
			for how, v := range map[string]foreignRequest{"origin": foreign, "host": rebound} {
				res, body := v.do(t)
				if strings.HasPrefix(v.contentType, "application/grpc-web") {
					if got := res.header.Get("Grpc-Status"); got != "7" || len(body) > 0 {
						t.Errorf("foreign %s: grpc-status %q, %q", how, got, body)
					}
					continue
				}
				var decoded struct {
					Code    any
					Message string
				}
				if err := json.Unmarshal(body, &decoded); err != nil || res.status != http.StatusForbidden || !strings.HasPrefix(decoded.Message, how) {
					t.Errorf("foreign %s: %d %s %v", how, res.status, body, err)
				}
				wantCode := any("permission_denied")
				if strings.Contains(v.url, "/v1/") || strings.HasSuffix(v.url, "/readyz") {
					wantCode = 7.0
				}
				if decoded.Code != wantCode {
					t.Errorf("foreign %s: code %v, want %v", how, decoded.Code, wantCode)
				}
			}
		})
	}
	for _, url := range []string{d.edge, d.directory, d.alert, d.sender, d.mockup} {
		for _, path := range []string{"/healthz", "/metrics", "/v1/groups", "/v1/alerts"} {
			if res, body := (foreignRequest{method: "GET", url: url + path, host: "evil.example"}).do(t); res.status != http.StatusForbidden {
				t.Errorf("GET %s of a foreign host: %d %s", url+path, res.status, body)
			}
		}
		if res, body := (foreignRequest{method: "GET", url: url + "/healthz", host: "localhost:1"}).do(t); res.status != http.StatusOK {
			t.Errorf("GET %s of localhost: %d %s", url, res.status, body)
		}
	}
	t.Run("gRPC", func(t *testing.T) {
		conn, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(d.directory, "http://"), grpc.WithAuthority("evil.example"), grpc.WithTransportCredentials(insecure.NewCredentials()))
		must(t, err)
		defer conn.Close()
		list := new(userinfo.UserList)
		err = conn.Invoke(t.Context(), "/UserInfo/getUserList", &userinfo.NicknameOrTeam{Name: []string{"@all"}}, list)
		if status.Code(err) != codes.PermissionDenied || len(list.GetUser()) > 0 {
			t.Errorf("%v, %v", err, list)
		}
	})
	if calls := d.calls(t); len(calls) > 0 {
		t.Errorf("calls were made: %v", calls)
	}
	if _, groups := request(t, http.MethodGet, d.edge+"/v1/groups", ""); groups != demoGroups {
		t.Errorf("groups: %s", groups)
	}
}

// TestSecretsAreNotServedByGET checks that no procedure that returns secrets is served
// by GET, as a link would call it.
func TestSecretsAreNotServedByGET(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		for _, c := range []struct{ base, procedure, message string }{
			{d.directory, "/UserInfo/getUserList", `{"name":["@all"]}`},
			{d.directory, "/com.github.switchover.failure.common.rpc.UserInfo/getUserList", `{"name":["@all"]}`},
			{d.directory, "/bongsu.user.v1.DirectoryService/LookUp", `{"target":["@all"]}`},
			{d.directory, "/bongsu.user.v1.DirectoryService/GetSeal", `{}`},
			{d.directory, "/bongsu.user.v1.TransferService/ExportDirectory", `{"withSecrets":true}`},
			{d.edge, "/bongsu.user.v1.TransferService/ExportDirectory", `{}`},
			{d.alert, "/bongsu.job.v1.DispatchService/GetCanary", `{}`},
			{d.mockup, "/bongsu.mockup.v1.MockupService/ListCalls", `{}`},
		} {
			query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {c.message}}
			if res, body := (foreignRequest{method: "GET", url: c.base + c.procedure + "?" + query.Encode()}).do(t); res.status != http.StatusMethodNotAllowed {
				t.Errorf("GET %s: %d %s", c.procedure, res.status, body)
			}
			if res, body := (foreignRequest{method: "POST", url: c.base + c.procedure, contentType: "application/json", body: c.message}).do(t); res.status != http.StatusOK {
				t.Errorf("POST %s: %d %s", c.procedure, res.status, body)
			}
		}
	})
}

// TestAllowedHosts checks the hosts of --allowed-hosts beside loopback names.
func TestAllowedHosts(t *testing.T) {
	config := filepath.Join(t.TempDir(), "messengers.yaml")
	must(t, os.WriteFile(config, []byte("twilio: {callback-url: https://tunnel.example}\n"), 0o600))
	d := oneProcess(t, "--allowed-hosts=bongsu.example.com,other.example.com:8443", "--messenger-config="+config)
	for _, c := range []struct {
		host string
		url  string
		want int
	}{
		{"bongsu.example.com", d.edge, http.StatusOK},
		{"bongsu.example.com:18080", d.directory, http.StatusOK},
		{"other.example.com:8443", d.alert, http.StatusOK},
		{"other.example.com", d.edge, http.StatusForbidden},
		{"tunnel.example", d.edge, http.StatusOK}, // for callbacks of providers
		{"tunnel.example", d.directory, http.StatusForbidden},
		{"evil.example", d.edge, http.StatusForbidden},
		{"localhost", d.edge, http.StatusOK},
	} {
		if res, body := (foreignRequest{method: "GET", url: c.url + "/healthz", host: c.host}).do(t); res.status != c.want {
			t.Errorf("%s: %d %s, want %d", c.host, res.status, body, c.want)
		}
	}
	same := foreignRequest{method: "POST", url: d.edge + "/v1/alerts", host: "bongsu.example.com", origin: "https://bongsu.example.com", contentType: "application/json", body: `{"target":["@user1"],"message":"x"}`}
	if res, body := same.do(t); res.status != http.StatusOK {
		t.Errorf("a page of the same origin: %d %s", res.status, body)
	}
}

// TestPortsElsewhere listens on all addresses: every host is served, with a warning,
// unless --allowed-hosts is set.
func TestPortsElsewhere(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags []string
		want  int
	}{
		{"none named", nil, http.StatusOK},
		{"named", []string{"--allowed-hosts=group"}, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"--services=directory", "--data=" + t.TempDir(), "--directory-addr=0.0.0.0:0", "--seal-key-file=" + makeKey(t)}, c.flags...)
			p := binaries.Serve(t, args...)
			base := "http://127.0.0.1:" + portOf(t, p.URLs(t, 1)["directory"])
			for host, want := range map[string]int{"group:18081": http.StatusOK, "127.0.0.1": http.StatusOK, "evil.example": c.want} {
				if res, body := (foreignRequest{method: "GET", url: base + "/healthz", host: host}).do(t); res.status != want {
					t.Errorf("%s: %d %s", host, res.status, body)
				}
			}
			if got, want := strings.Contains(p.Log(), "accepting every Host header"), c.want == http.StatusOK; got != want {
				t.Errorf("warned: %t\n%s", got, p.Log())
			}
			foreign := foreignRequest{method: "DELETE", url: base + "/v1/groups/1", host: "group:18081", origin: "http://evil.example"}
			if res, body := foreign.do(t); res.status != http.StatusForbidden {
				t.Errorf("a foreign origin: %d %s", res.status, body)
			}
		})
	}
}

func portOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	must(t, err)
	return u.Port()
}
