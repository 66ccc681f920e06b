package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/directory"
)

// internalKey is a key for tests.
var internalKey = strings.Repeat("k", 40)

// writeKey returns a file with a key.
func writeKey(t *testing.T, key string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "internal.key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// allMethods returns the methods of all services that this program knows.
func allMethods() (methods []protoreflect.MethodDescriptor) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		name := string(file.Package())
		if !strings.HasPrefix(name, "bongsu.") && !strings.Contains(file.Path(), "userinfo") {
			return true
		}
		for i := range file.Services().Len() {
			found := file.Services().Get(i).Methods()
			for j := range found.Len() {
				methods = append(methods, found.Get(j))
			}
		}
		return true
	})
	return methods
}

// callEmpty calls a method with an empty message, and returns the code of the error; 0 for none.
func callEmpty(ctx context.Context, client connect.HTTPClient, url string, m protoreflect.MethodDescriptor, key string, option connect.ClientOption) connect.Code {
	c := connect.NewClient[emptypb.Empty, emptypb.Empty](client, url+"/"+string(m.Parent().FullName())+"/"+string(m.Name()), option)
	req := connect.NewRequest(&emptypb.Empty{})
	if key != "" {
		req.Header().Set("Authorization", "Bearer "+key)
	}
	if !m.IsStreamingServer() {
		_, err := c.CallUnary(ctx, req)
		return codeOf(err)
	}
	stream, err := c.CallServerStream(ctx, req)
	if err != nil {
		return codeOf(err)
	}
	stream.Receive()
	return codeOf(errors.Join(stream.Err(), stream.Close()))
}

func codeOf(err error) connect.Code {
	if err == nil {
		return 0
	}
	return connect.CodeOf(err)
}

// TestInternalPortsRefuseStrangers calls every method, at every internal port, by every
// protocol, without the key and with a wrong one.
func TestInternalPortsRefuseStrangers(t *testing.T) {
	a := runApp(t, Config{
		Services: []string{"all", Mockup}, Internal: InternalConfig{KeyFile: writeKey(t, internalKey)},
		Directory: directory.Config{DemoData: true}, Log: slog.New(slog.DiscardHandler),
	})
	methods := allMethods()
	internal, userInfos := 0, 0
	for _, m := range methods {
		name := string(m.Parent().FullName())
		if strings.HasSuffix(name, "UserInfo") {
			userInfos++
		}
		if strings.HasSuffix(name, "DispatchService") || strings.HasSuffix(name, "DirectoryService") {
			internal++
		}
	}
	if userInfos < 2 || internal < 2 {
		t.Fatalf("%d methods of UserInfo, %d internal ones", userInfos, internal)
	}
	protocols := map[string]connect.ClientOption{
		"Connect": connect.WithClientOptions(), "JSON": connect.WithProtoJSON(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
	}
	client := rpc.NewHTTPClient()
	for _, service := range []string{Directory, Alert, Sender, Access} {
		url := "http://" + a.Addr(service)
		for protocol, option := range protocols {
			for _, m := range methods {
				for _, key := range []string{"", "x" + internalKey[1:]} {
					if code := callEmpty(t.Context(), client, url, m, key, option); code != connect.CodeUnauthenticated {
						t.Errorf("%s: %s by %s with key %q: %s", service, m.FullName(), protocol, key, code)
					}
				}
			}
		}
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 401, "/v1/groups": 401, "/openapi.yaml": 401} {
			if status, body := get(t, http.MethodGet, url+path, ""); status != want {
				t.Errorf("%s%s: %d %s", service, path, status, body)
			}
		}
		if status, body := get(t, http.MethodPost, url+"/grpc.health.v1.Health/Check", "{}"); status != 200 || !strings.Contains(body, "SERVING") {
			t.Errorf("%s: health by gRPC: %d %s", service, status, body)
		}
	}
	for _, m := range methods {
		name := string(m.Parent().FullName())
		code := callEmpty(t.Context(), client, "http://"+a.Addr(Mockup), m, "", connect.WithGRPC())
		if strings.HasPrefix(name, "bongsu.mockup.") && code != connect.CodeUnauthenticated {
			t.Errorf("mockup: %s: %s", m.FullName(), code)
		}
		if strings.HasSuffix(name, "UserInfo") {
			if code := callEmpty(t.Context(), client, "http://"+a.Addr(Directory), m, internalKey, connect.WithGRPC()); code == connect.CodeUnauthenticated {
				t.Errorf("%s with the key: %s", m.FullName(), code)
			}
		}
	}
	// The edge is for all callers, and the fakes of the mockup take calls of senders.
	if status, body := get(t, http.MethodGet, "http://"+a.Addr(Edge)+"/v1/groups", ""); status != 200 {
		t.Errorf("edge: %d %s", status, body)
	}
	sendTo(t, "http://"+a.Addr(Edge), "in one process")
}

// split runs each service in an app of its own, with the settings of internal, and returns the
// apps by service. scheme is that of their URLs.
func split(t *testing.T, scheme string, internal InternalConfig) map[string]*App {
	t.Helper()
	nats, key := natsServer(t), filepath.Join(t.TempDir(), "seal.key")
	if err := sealkey.Format.CreateKeyFile(key); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	apps := map[string]*App{}
	url := func(service string) string { return scheme + "://" + apps[service].Addr(service) }
	apps[Mockup] = runApp(t, Config{Services: []string{Mockup}, Internal: internal, Log: log})
	apps[Directory] = runApp(t, Config{Services: []string{Directory}, SealKeyFile: key, Internal: internal, Directory: directory.Config{DemoData: true}, Log: log})
	apps[Alert] = runApp(t, Config{Services: []string{Alert}, DirectoryServiceURL: url(Directory), NATSURL: nats, Internal: internal, Log: log})
	apps[Sender] = runApp(t, Config{
		Services: []string{Sender}, AlertURL: url(Alert), NATSURL: nats, SealKeyFile: key, Internal: internal,
		Providers: ProviderConfig{URL: "http://" + apps[Mockup].Addr(Mockup)}, Log: log,
	})
	apps[Edge] = runApp(t, Config{Services: []string{Edge}, DirectoryServiceURL: url(Directory), AlertURL: url(Alert), Internal: internal, Log: log})
	return apps
}

// TestSplitByKey sends an alert through five processes that know one another by a key.
func TestSplitByKey(t *testing.T) {
	apps := split(t, "http", InternalConfig{KeyFile: writeKey(t, internalKey)})
	edge := "http://" + apps[Edge].Addr(Edge)
	sendTo(t, edge, "by key")
	if status, body := get(t, http.MethodGet, "http://"+apps[Alert].Addr(Alert)+"/v1/alerts", ""); status != http.StatusUnauthorized {
		t.Errorf("past the edge: %d %s", status, body)
	}

	// An edge with another key: its callers did nothing wrong.
	var logged logtest.Buffer
	stranger := runApp(t, Config{
		Services: []string{Edge}, DirectoryServiceURL: "http://" + apps[Directory].Addr(Directory), AlertURL: "http://" + apps[Alert].Addr(Alert),
		Internal: InternalConfig{KeyFile: writeKey(t, strings.Repeat("w", 40))}, Log: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	status, body := get(t, http.MethodGet, "http://"+stranger.Addr(Edge)+"/v1/groups", "")
	if status < 500 || strings.Contains(body, "key") {
		t.Errorf("an edge with another key: %d %s", status, body)
	}
	if text := logged.String(); !strings.Contains(text, "unauthenticated") || strings.Contains(text, "wwwww") || strings.Contains(text, "kkkkk") {
		t.Errorf("it logged %s", text)
	}
}

// TestSplitByTLS does the same with mutual TLS, by certificates of an authority of the test.
func TestSplitByTLS(t *testing.T) {
	ca := certtest.New(t)
	cert, key, _ := ca.Issue(t, t.TempDir(), "127.0.0.1")
	apps := split(t, "https", InternalConfig{TLSCert: cert, TLSKey: key, TLSCA: ca.File})
	sendTo(t, "http://"+apps[Edge].Addr(Edge), "by TLS")
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.ClientTLS(t, "", ""), ForceAttemptHTTP2: true}}
	for _, m := range allMethods() {
		if code := callEmpty(t.Context(), stranger, "https://"+apps[Directory].Addr(Directory), m, "", connect.WithGRPC()); code != connect.CodeUnauthenticated {
			t.Errorf("%s without a certificate: %s", m.FullName(), code)
		}
	}
}

// TestUserInfoKey resolves targets in the directory of another deployment, which has a key of
// its own: that one is sent there, and never the key of this deployment.
func TestUserInfoKey(t *testing.T) {
	other := strings.Repeat("o", 40)
	remote := runApp(t, Config{Services: []string{"all"}, Internal: InternalConfig{KeyFile: writeKey(t, other)}, Directory: directory.Config{DemoData: true}, Log: slog.New(slog.DiscardHandler)})
	for name, c := range map[string]struct {
		keyFile string
		users   string
	}{
		"its key":  {writeKey(t, other), `"userCount":1`},
		"no key":   {"", "unavailable"},
		"our key":  {writeKey(t, internalKey), "unavailable"},
		"no users": {writeKey(t, other), `"unknownTarget":["@nobody"]`},
	} {
		here := runApp(t, Config{
			Services: []string{"all", Mockup}, Internal: InternalConfig{KeyFile: writeKey(t, internalKey)},
			Alert: alert.Config{UserInfoURL: "http://" + remote.Addr(Directory), UserInfoKeyFile: c.keyFile}, Log: slog.New(slog.DiscardHandler),
		})
		target := "@user1"
		if name == "no users" {
			target = "@nobody"
		}
		_, body := get(t, http.MethodPost, "http://"+here.Addr(Edge)+"/v1/alerts", `{"target":["`+target+`"],"message":"m"}`)
		if !strings.Contains(body, c.users) {
			t.Errorf("%s: %s, want %s", name, body, c.users)
		}
	}
}

// TestEdgeByTLS checks that the edge serves TLS by the certificate of its flags.
func TestEdgeByTLS(t *testing.T) {
	ca := certtest.New(t)
	cert, key, _ := ca.Issue(t, t.TempDir(), "127.0.0.1")
	c := Config{Services: []string{"all"}, Log: slog.New(slog.DiscardHandler)}
	c.Edge.TLSCert, c.Edge.TLSKey = cert, key
	a := runApp(t, c)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.ClientTLS(t, "", ""), ForceAttemptHTTP2: true}}
	res, err := client.Get("https://" + a.Addr(Edge) + "/v1/groups")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Errorf("%s %s, %v", res.Status, text, err)
	}
	if status, _ := get(t, http.MethodGet, "http://"+a.Addr(Edge)+"/v1/groups", ""); status != http.StatusBadRequest {
		t.Errorf("cleartext: status %d", status)
	}
}

// TestTransportSettings checks settings that belong together.
func TestTransportSettings(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"all three, or none":         func(c *Config) { c.Internal.TLSCert = "a" },
		"--internal-tls-ca":          func(c *Config) { c.Internal.TLSCert, c.Internal.TLSKey = "a", "b" },
		"--nats-cert and --nats-key": func(c *Config) { c.Internal.NATSKey = "a" },
		"--tls-cert and --tls-key":   func(c *Config) { c.Edge.TLSKey = "a" },
		"--alert-url must begin with https://": func(c *Config) {
			c.Services, c.AlertURL, c.DirectoryServiceURL = []string{Edge}, "http://alert:18082", "https://directory:18081"
			c.Internal.TLSCert, c.Internal.TLSKey, c.Internal.TLSCA = "a", "b", "c"
		},
		"internal key file": func(c *Config) { c.Internal.KeyFile = filepath.Join(t.TempDir(), "none") },
		"--tls-cert: ":      func(c *Config) { c.Edge.TLSCert, c.Edge.TLSKey = "none.pem", "none.pem" },
	} {
		c := Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
		c.Edge.Addr = "127.0.0.1:0"
		change(&c)
		if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
