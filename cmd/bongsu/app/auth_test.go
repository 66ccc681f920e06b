package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/kittest/oidctest"
	"github.com/bongsu-project/bongsu/services/edge"
)

func TestChooseAuth(t *testing.T) {
	oidc := edge.OIDCConfig{Issuer: "https://login.example.com", Audience: "bongsu"}
	with := func(change func(*edge.OIDCConfig)) edge.Config {
		c := edge.Config{Auth: edge.AuthRequired, OIDC: oidc}
		change(&c.OIDC)
		return c
	}
	for name, c := range map[string]struct {
		services []string
		edge     edge.Config
		want     string // the value of Auth, or the words of the error
		err      bool
	}{
		"loopback by default":            {nil, edge.Config{}, edge.AuthOff, false},
		"loopback, off":                  {nil, edge.Config{Auth: "off"}, edge.AuthOff, false},
		"loopback, required":             {nil, edge.Config{Auth: "required"}, edge.AuthRequired, false},
		"IPv6 loopback":                  {nil, edge.Config{Addr: "[::1]:0"}, edge.AuthOff, false},
		"localhost":                      {nil, edge.Config{Addr: "localhost:0"}, edge.AuthOff, false},
		"all networks":                   {nil, edge.Config{Addr: "0.0.0.0:0"}, "--auth=required --auth=off --edge-addr=0.0.0.0:0", true},
		"all networks, no host":          {nil, edge.Config{Addr: ":0"}, "--auth=required", true},
		"all networks, IPv6":             {nil, edge.Config{Addr: "[::]:0"}, "--auth=required", true},
		"another address":                {nil, edge.Config{Addr: "10.0.0.7:0"}, "--auth=required", true},
		"a name":                         {nil, edge.Config{Addr: "edge.example.com:0"}, "--auth=required", true},
		"all networks, off":              {nil, edge.Config{Addr: "0.0.0.0:0", Auth: "off"}, edge.AuthOff, false},
		"all networks, required":         {nil, edge.Config{Addr: "0.0.0.0:0", Auth: "required"}, edge.AuthRequired, false},
		"no edge":                        {[]string{Directory}, edge.Config{Addr: "0.0.0.0:0"}, "", false},
		"misspelt":                       {nil, edge.Config{Auth: "on"}, `--auth "on" off required`, true},
		"issuer":                         {nil, with(func(*edge.OIDCConfig) {}), edge.AuthRequired, false},
		"issuer without an audience":     {nil, with(func(o *edge.OIDCConfig) { o.Audience = "" }), "--oidc-audience", true},
		"audience without an issuer":     {nil, with(func(o *edge.OIDCConfig) { o.Issuer = "" }), "--oidc-issuer", true},
		"map":                            {nil, with(func(o *edge.OIDCConfig) { o.RoleMap = []string{"a=b=viewer"} }), edge.AuthRequired, false},
		"map without a role":             {nil, with(func(o *edge.OIDCConfig) { o.RoleMap = []string{"viewer"} }), "--oidc-role-map", true},
		"map with an own role":           {nil, with(func(o *edge.OIDCConfig) { o.RoleMap = []string{"a=head-teacher_2"} }), edge.AuthRequired, false},
		"map with an invalid role":       {nil, with(func(o *edge.OIDCConfig) { o.RoleMap = []string{"a=Root"} }), "--oidc-role-map viewer", true},
		"map with an empty role":         {nil, with(func(o *edge.OIDCConfig) { o.RoleMap = []string{"a="} }), "--oidc-role-map", true},
		"map of nothing":                 {nil, with(func(o *edge.OIDCConfig) { o.RoleMap = []string{"=viewer"} }), "--oidc-role-map", true},
		"issuer by http, another system": {nil, with(func(o *edge.OIDCConfig) { o.Issuer = "http://login.example.com" }), "--oidc-issuer http", true},
	} {
		t.Run(name, func(t *testing.T) {
			services := c.services
			if services == nil {
				services = []string{"all"}
			}
			got, err := Config{Data: t.TempDir(), Services: services, Edge: c.edge}.complete()
			if !c.err {
				if err != nil || got.Edge.Auth != c.want {
					t.Errorf("auth is %q, %v; want %q", got.Edge.Auth, err, c.want)
				}
				return
			}
			for _, word := range strings.Fields(c.want) {
				if err == nil || !strings.Contains(err.Error(), word) {
					t.Errorf("error %v lacks %q", err, word)
				}
			}
		})
	}
}

// accessClient returns a client of the AccessService of an edge with an API key.
func accessClient(a *App, key string) accessv1connect.AccessServiceClient {
	return accessv1connect.NewAccessServiceClient(http.DefaultClient, "http://"+a.Addr(Edge), connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			req.Header().Set("Authorization", "Bearer "+key)
			return next(ctx, req)
		}
	})))
}

// adminKey returns the key that the first start wrote into a data folder.
func adminKey(t *testing.T, data string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, adminKeyFile))
	kittest.NoError(t, err)
	return strings.TrimSpace(string(text))
}

// TestAuthRequired creates, uses and revokes keys: with the access service in the process of
// the edge, and in another.
func TestAuthRequired(t *testing.T) {
	for _, parts := range []bool{false, true} {
		name := map[bool]string{false: "one process", true: "parts"}[parts]
		t.Run(name, func(t *testing.T) {
			clock, log := &steppedClock{}, slog.New(slog.DiscardHandler)
			data := t.TempDir()
			config := Config{Data: data, Log: log, Now: clock.now, Edge: edge.Config{Auth: edge.AuthRequired}}
			if parts {
				access := runApp(t, Config{Data: data, Services: []string{Access}, Log: log, Now: clock.now, Edge: edge.Config{Auth: edge.AuthRequired}})
				config = Config{
					Services: []string{Edge, Directory, Alert, Sender}, Log: log, Now: clock.now, Edge: edge.Config{Auth: edge.AuthRequired},
					AccessServiceURL: "http://" + access.Addr(Access),
				}
			}
			intakeFile := filepath.Join(t.TempDir(), "intake.yaml")
			kittest.NoError(t, os.WriteFile(intakeFile, []byte("grafana: {signature: {secret: 0123456789abcdef}}"), 0o600))
			config.Edge.IntakeConfig = intakeFile
			a := runApp(t, config)
			for path, want := range map[string]int{
				"GET /healthz": 200, "GET /v1/groups": 401, "GET /v1/unknown": 401, "GET /unknown": 401, "GET /openapi.yaml": 401, "GET /metrics": 401,
				"POST /v1/alerts": 401, "POST /v1/intake/alertmanager": 401, "POST /bongsu.access.v1.CredentialService/FindKey": 401,
				"POST /v1/intake/grafana": 401, // its signature is missing, which the handler says
			} {
				method, path, _ := strings.Cut(path, " ")
				if status, body := get(t, method, "http://"+a.Addr(Edge)+path, ""); status != want {
					t.Errorf("nobody, %s %s: status %d, want %d: %s", method, path, status, want, body)
				}
			}
			admin := accessClient(a, adminKey(t, data))
			caller, err := admin.GetCaller(t.Context(), &accessv1.GetCallerRequest{})
			if err != nil || len(caller.GetRoles()) != 1 || caller.GetRoles()[0] != "admin" {
				t.Fatalf("caller is %v, %v", caller, err)
			}

			made, err := admin.CreateKey(t.Context(), &accessv1.CreateKeyRequest{Name: "ci", Role: "viewer", ExpireTime: timestamppb.New(clock.now().Add(time.Hour)), AllowedAddresses: []string{"127.0.0.1"}})
			kittest.NoError(t, err)
			elsewhere, err := admin.CreateKey(t.Context(), &accessv1.CreateKeyRequest{Name: "ci", Role: "viewer", AllowedAddresses: []string{"10.0.0.0/8"}})
			kittest.NoError(t, err)
			if _, err := accessClient(a, elsewhere.GetKey()).GetCaller(t.Context(), &accessv1.GetCallerRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
				t.Errorf("another address: error is %v", err)
			}
			viewer := accessClient(a, made.GetKey())
			caller, err = viewer.GetCaller(t.Context(), &accessv1.GetCallerRequest{})
			if err != nil || caller.GetId() != made.GetId() || caller.GetName() != "ci" {
				t.Errorf("caller is %v, %v", caller, err)
			}
			_, err = admin.RevokeKey(t.Context(), &accessv1.RevokeKeyRequest{Id: made.GetId()})
			kittest.NoError(t, err)
			clock.set(5 * time.Second)
			if _, err := viewer.GetCaller(t.Context(), &accessv1.GetCallerRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
				t.Errorf("revoked: error is %v", err)
			}
		})
	}
}

// TestKeyUseAtTheEnd checks that a process that stops has recorded which keys were used.
func TestKeyUseAtTheEnd(t *testing.T) {
	data := t.TempDir()
	config := Config{Data: data, Log: slog.New(slog.DiscardHandler), Edge: edge.Config{Auth: edge.AuthRequired, Addr: "127.0.0.1:0"}}
	run := func(work func(accessv1connect.AccessServiceClient)) {
		a, err := New(t.Context(), config)
		kittest.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		work(accessClient(a, adminKey(t, data)))
		stop()
		kittest.NoError(t, <-ended)
	}
	run(func(admin accessv1connect.AccessServiceClient) {
		_, err := admin.GetCaller(t.Context(), &accessv1.GetCallerRequest{})
		kittest.NoError(t, err)
	})
	run(func(admin accessv1connect.AccessServiceClient) {
		res, err := admin.ListKeys(t.Context(), &accessv1.ListKeysRequest{})
		kittest.NoError(t, err)
		if len(res.GetKeys()) != 1 || time.Since(res.GetKeys()[0].GetLastUseTime().AsTime()).Abs() > time.Minute {
			t.Errorf("keys are %v", res.GetKeys())
		}
	})
}

// TestAuthOffWarning checks that an edge without authentication that other machines reach
// logs a warning.
func TestAuthOffWarning(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1:0": 0, "0.0.0.0:0": 1} {
		log := &logtest.Buffer{}
		a, err := New(t.Context(), Config{Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(log, nil)), Edge: edge.Config{Addr: addr, Auth: edge.AuthOff}})
		kittest.NoError(t, err)
		kittest.NoError(t, a.close())
		if got := log.Count("authentication is off"); got != want {
			t.Errorf("%s: %d warnings, want %d", addr, got, want)
		}
	}
}

// TestIssuerStartsLater starts an edge before the issuer of its tokens, as that may be a joined
// service: a token is 503 until the issuer is there, and then accepted at once, with roles of the
// deployment's own, which permit nothing of Bongsu.
func TestIssuerStartsLater(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	kittest.NoError(t, err)
	addr := port.Addr().String()
	kittest.NoError(t, port.Close())
	issuer := oidctest.New(t)
	issuer.URL = "http://" + addr
	lines := &logtest.Buffer{}
	a := runApp(t, Config{
		Services: []string{Edge, Directory, Alert, Sender, Access}, Log: slog.New(slog.NewTextHandler(lines, nil)),
		Edge: edge.Config{Auth: edge.AuthRequired, OIDC: edge.OIDCConfig{Issuer: issuer.URL, Audience: "school", RolesClaim: "roles", RoleMap: []string{"faculty=teacher", "faculty=viewer"}, NicknameClaim: "nick"}},
	})
	client := accessClient(a, issuer.Token(map[string]any{"sub": "7", "aud": "school", "exp": time.Now().Add(time.Hour).Unix(), "name": "Kim", "nick": "kim", "roles": []string{"faculty", "admin"}}))
	if _, err := client.GetCaller(t.Context(), &accessv1.GetCallerRequest{}); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("without the issuer: %v", err)
	}
	if lines.Count("roles=[teacher]") != 1 {
		t.Errorf("the log does not name the own role: %s", lines)
	}

	server := httptest.NewUnstartedServer(issuer)
	kittest.NoError(t, server.Listener.Close())
	server.Listener, err = net.Listen("tcp", addr)
	kittest.NoError(t, err)
	server.Start()
	t.Cleanup(server.Close)
	began := time.Now()
	caller, err := client.GetCaller(t.Context(), &accessv1.GetCallerRequest{})
	kittest.NoError(t, err)
	if took := time.Since(began); took > 5*time.Second { // it waits a second since the last fetch
		t.Errorf("the first token took %s", took)
	}
	if got := caller.GetRoles(); !slices.Equal(got, []string{"teacher", "viewer"}) || caller.GetNickName() != "kim" || !slices.Equal(caller.GetPermissions(), role.Permissions([]string{"viewer"})) {
		t.Errorf("caller is %v", caller)
	}
	teacher := accessClient(a, issuer.Token(map[string]any{"sub": "8", "aud": "school", "exp": time.Now().Add(time.Hour).Unix(), "roles": "admin teacher"}))
	if _, err := teacher.ListKeys(t.Context(), &accessv1.ListKeysRequest{}); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a value that is not mapped: %v", err)
	}
}
