package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1" // links its descriptors
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	policyv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/policy/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// permitted maps each permission to the roles that have it. It repeats no table of the
// program: a permission that is missing here fails the test.
var permitted = map[string]string{
	"alert.send": "sender admin", "alert.intake": "sender admin",
	"alert.read": "viewer operator admin", "alert.cancel": "operator admin", "alert.replay": "operator admin",
	"group.read": "viewer operator admin", "group.write": "operator admin",
	"user.read": "viewer operator admin", "user.write": "operator admin", "address.verify": "operator admin",
	"directory.export": "operator admin", "directory.import": "operator admin",
	"messenger.read": "viewer operator admin", "template.read": "viewer operator admin", "template.write": "operator admin",
	"seal_key.read": "viewer operator admin",
	"key.read":      "admin", "key.write": "admin", "audit.read": "admin", "ban.read": "admin", "ban.write": "admin",
	"instance.read": "viewer operator admin",
	"event.publish": "sender admin", "event_rule.read": "viewer operator admin", "event_rule.write": "operator admin",
	"dead_letter.read": "viewer operator admin", "dead_letter.replay": "operator admin",
	"callback_endpoint.read": "viewer operator admin", "callback_endpoint.write": "operator admin",
	"incident.read": "viewer operator admin", "incident.write": "operator admin", "silence.read": "viewer operator admin", "silence.write": "operator admin",
	"escalation_policy.read": "viewer operator admin", "escalation_policy.write": "operator admin",
	"monitor.read": "viewer operator admin", "monitor.write": "operator admin", "heartbeat.send": "sender admin",
	"inbox.read": "admin user", "inbox.write": "admin user", // a request without a name is for the own one
	"caller.read": "sender viewer operator admin user",
}

// changes are valid requests of methods that change something, so that a refusal by role is
// seen to store nothing. Their names hold "intruder".
var changes = map[string]string{
	"SendAlert":        `{"target":["@user1"],"severity":"normal","message":"intruder"}`,
	"CreateGroup":      `{"groupName":"intruder"}`,
	"RenameGroup":      `{"id":1,"groupName":"intruder"}`,
	"DeleteGroup":      `{"id":1}`,
	"AddGroupUser":     `{"id":1,"nickName":"user5"}`,
	"RemoveGroupUser":  `{"id":1,"nickName":"user1"}`,
	"CreateUser":       `{"nickName":"intruder"}`,
	"UpdateUser":       `{"nickName":"user1","newNickName":"intruder"}`,
	"DeleteUser":       `{"nickName":"user1"}`,
	"AddUserAddress":   `{"nickName":"user1","address":{"messenger":"email","destination":"intruder@example.com"}}`,
	"CreateKey":        `{"name":"intruder","role":"admin"}`,
	"ImportDirectory":  `{"users":[{"nickName":"intruder"}]}`,
	"SetTemplate":      `{"template":{"messenger":"slack","text":"intruder"}}`,
	"ReplayDeliveries": `{"filter":{"messenger":"slack"}}`,
	"CancelDeliveries": `{"filter":{"messenger":"slack"}}`,
	"GetUser":          `{"nickName":"user2"}`, // no change: whose it is decides, which only a valid request says
}

// A tableMethod is a method of a public service.
type tableMethod struct {
	protoreflect.MethodDescriptor
	policy *policyv1.MethodPolicy
	rest   *annotations.HttpRule // nil if it has no REST path
}

// publicMethods returns the methods of all public services.
func publicMethods(t *testing.T) []tableMethod {
	t.Helper()
	var all []tableMethod
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "bongsu.") {
			return true
		}
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			if declared, _ := proto.GetExtension(service.Options(), policyv1.E_Service).(*policyv1.ServicePolicy); declared.GetInternal() {
				continue
			}
			for k := range service.Methods().Len() {
				m := service.Methods().Get(k)
				policy, _ := proto.GetExtension(m.Options(), policyv1.E_Method).(*policyv1.MethodPolicy)
				rest, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
				all = append(all, tableMethod{m, policy, rest})
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b tableMethod) int { return strings.Compare(string(a.FullName()), string(b.FullName())) })
	if len(all) < 40 {
		t.Fatalf("only %d methods were found", len(all))
	}
	return all
}

// request returns a request of a method: the one of changes, or an empty one.
func (m tableMethod) request(t *testing.T) *dynamicpb.Message {
	t.Helper()
	req := dynamicpb.NewMessage(m.Input())
	if text := changes[string(m.Name())]; text != "" {
		must(t, protojson.Unmarshal([]byte(text), req))
	}
	return req
}

// call calls a method by a protocol with a credential, and returns the code; 0 for none.
func (m tableMethod) call(t *testing.T, url, credential, protocol string, req *dynamicpb.Message) connect.Code {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	if protocol == "REST" {
		return m.callREST(ctx, t, url, credential, req)
	}
	i := slices.IndexFunc(protocols, func(p struct {
		name   string
		option connect.ClientOption
	}) bool {
		return p.name == protocol
	})
	client := connect.NewClient[dynamicpb.Message, dynamicpb.Message](tableClient, url+"/"+string(m.Parent().FullName())+"/"+string(m.Name()),
		protocols[i].option, connect.WithSchema(m.MethodDescriptor), connect.WithIdempotency(m.idempotency()),
		connect.WithResponseInitializer(func(_ connect.Spec, message any) error {
			if dynamic, ok := message.(*dynamicpb.Message); ok {
				*dynamic = *dynamicpb.NewMessage(m.Output())
			}
			return nil
		}))
	sent := connect.NewRequest(req)
	if credential != "" {
		sent.Header().Set("Authorization", "Bearer "+credential)
	}
	if !m.IsStreamingServer() {
		_, err := client.CallUnary(ctx, sent)
		return codeOf(err)
	}
	stream, err := client.CallServerStream(ctx, sent)
	if err != nil {
		return codeOf(err)
	}
	defer stream.Close()
	stream.Receive()
	return codeOf(stream.Err())
}

// codeOf returns the code of an error, and 0 for nil.
func codeOf(err error) connect.Code {
	if err == nil {
		return 0
	}
	return connect.CodeOf(err)
}

var tableClient = http2Client()

func (m tableMethod) idempotency() connect.IdempotencyLevel {
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	if options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS {
		return connect.IdempotencyNoSideEffects
	}
	return connect.IdempotencyUnknown
}

// callREST calls the REST path of a method.
func (m tableMethod) callREST(ctx context.Context, t *testing.T, url, credential string, message *dynamicpb.Message) connect.Code {
	t.Helper()
	method, template := "", ""
	for name, path := range map[string]string{http.MethodGet: m.rest.GetGet(), http.MethodPost: m.rest.GetPost(), http.MethodPut: m.rest.GetPut(), http.MethodDelete: m.rest.GetDelete()} {
		if path != "" {
			method, template = name, path
		}
	}
	body := []byte("{}")
	if m.rest.GetBody() == "*" {
		text, err := protojson.Marshal(message)
		must(t, err)
		body = text
	}
	for strings.Contains(template, "{") {
		before, rest, _ := strings.Cut(template, "{")
		name, after, _ := strings.Cut(rest, "}")
		value := "999" // of nothing: who may call it, calls it
		if field := m.Input().Fields().ByName(protoreflect.Name(name)); field != nil && message.Has(field) {
			value = message.Get(field).String()
		}
		template = before + value + after
	}
	req, err := http.NewRequestWithContext(ctx, method, url+template, bytes.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	if credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	var failure struct{ Code connect.Code }
	var number struct{ Code uint32 }
	if res.StatusCode < http.StatusBadRequest {
		return 0
	}
	if err := json.Unmarshal(text, &number); err != nil || number.Code == 0 {
		t.Errorf("%s %s: %s %s", method, template, res.Status, text)
	}
	failure.Code = connect.Code(number.Code)
	if res.StatusCode == http.StatusUnauthorized && res.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("%s %s: 401 without WWW-Authenticate", method, template)
	}
	for status, code := range map[int]connect.Code{http.StatusUnauthorized: connect.CodeUnauthenticated, http.StatusForbidden: connect.CodePermissionDenied} {
		if (res.StatusCode == status) != (failure.Code == code) {
			t.Errorf("%s %s: %s with code %s", method, template, res.Status, failure.Code)
		}
	}
	return failure.Code
}

// A keyring makes keys as the administrator.
type keyring struct {
	edge, admin string
}

// make creates a key and returns its id and the key.
func (k keyring) make(t *testing.T, body string) (id, key string) {
	t.Helper()
	status, answer := k.do(t, http.MethodPost, "/v1/keys", body)
	var made struct{ ID, Key string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated || made.Key == "" {
		t.Fatalf("POST /v1/keys %s: %d %s", body, status, answer)
	}
	return made.ID, made.Key
}

// do makes a request as the administrator.
func (k keyring) do(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	return requestWith(t, method, k.edge+path, body, k.admin)
}

// requestWith makes a request with a credential.
func requestWith(t *testing.T, method, url, body, credential string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	if credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(answer)
}

// awaitRefusal waits until a key is refused.
func (k keyring) awaitRefusal(t *testing.T, key string) {
	t.Helper()
	deadline := time.Now().Add(proc.Patience)
	for time.Now().Before(deadline) {
		if status, _ := requestWith(t, http.MethodGet, k.edge+"/v1/caller", "", key); status == http.StatusUnauthorized {
			return
		}
		time.Sleep(50 * time.Millisecond) // between polls of another process
	}
	t.Fatal("the key is not refused")
}

// contents returns what the services hold, without times of use and the audit log.
func (k keyring) contents(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/v1/groups", "/v1/users", "/v1/groups/1/users", "/v1/users/user1", "/v1/alerts", "/v1/templates", "/v1/bans"} {
		status, answer := k.do(t, http.MethodGet, path, "")
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, status, answer)
		}
		all.WriteString(answer + "\n")
	}
	_, keys := k.do(t, http.MethodGet, "/v1/keys", "")
	var list struct {
		Keys []struct{ ID, RevokeTime string }
	}
	must(t, json.Unmarshal([]byte(keys), &list))
	for _, key := range list.Keys {
		all.WriteString(key.ID + key.RevokeTime + "\n")
	}
	return all.String()
}

// TestAccess calls every public method as nobody, with bad, expired and revoked keys, and in
// each role, by every protocol: the code is that of the method's permission, and a refused
// call stores nothing.
func TestAccess(t *testing.T) {
	data := t.TempDir()
	process := binaries.Serve(t, append([]string{"--services=all,mockup", "--demo-data", "--data=" + data, "--auth=required", "--address-limit=off"}, anywhere...)...)
	edge := process.URLs(t, len(anywhere))["edge"]
	admin, err := os.ReadFile(filepath.Join(data, "admin.key"))
	must(t, err)
	if info, err := os.Stat(filepath.Join(data, "admin.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("admin.key: %v, %v", info.Mode(), err)
	}
	k := keyring{edge, strings.TrimSpace(string(admin))}

	callers := map[string]string{"nobody": "", "bad": "bgs_nobody_nothing", "no key": "x"}
	for _, role := range []string{"sender", "viewer", "operator", "admin"} {
		_, callers[role] = k.make(t, `{"name":"`+role+`","role":"`+role+`"}`)
	}
	_, callers["user"] = k.make(t, `{"name":"user","role":"user","nickName":"user1"}`)
	id, revoked := k.make(t, `{"name":"revoked","role":"admin"}`)
	callers["revoked"] = revoked
	callers["another secret"] = revoked[:len(revoked)-4] + "aaaa"
	_, callers["elsewhere"] = k.make(t, `{"name":"elsewhere","role":"admin","allowedAddresses":["192.0.2.0/24"]}`)
	_, callers["expired"] = k.make(t, `{"name":"expired","role":"admin","expireTime":"`+time.Now().Add(2*time.Second).UTC().Format(time.RFC3339Nano)+`"}`)
	if status, answer := requestWith(t, http.MethodGet, edge+"/v1/caller", "", revoked); status != http.StatusOK {
		t.Fatalf("before it is revoked: %d %s", status, answer)
	}
	if status, answer := k.do(t, http.MethodDelete, "/v1/keys/"+id, ""); status != http.StatusOK {
		t.Fatalf("revoke: %d %s", status, answer)
	}
	k.awaitRefusal(t, revoked)
	k.awaitRefusal(t, callers["expired"])

	before := k.contents(t)
	for _, m := range publicMethods(t) {
		permission := m.policy.GetPermission()
		roles, ok := permitted[permission]
		if !ok && permission != "" {
			t.Errorf("%s: add its permission %s to the table of this test", m.FullName(), permission)
		}
		t.Run(string(m.Parent().Name())+"/"+string(m.Name()), func(t *testing.T) {
			for caller, credential := range callers {
				known := slices.Contains([]string{"sender", "viewer", "operator", "admin", "user"}, caller)
				may := known && slices.Contains(strings.Fields(roles), caller)
				for _, protocol := range []string{"Connect", "Connect JSON", "gRPC", "gRPC-Web", "REST"} {
					if protocol == "REST" && (m.rest == nil || m.IsStreamingServer() && may) { // a stream of events does not end
						continue
					}
					req := m.request(t)
					if may { // valid requests are for those who are refused
						req = dynamicpb.NewMessage(m.Input())
					}
					code := m.call(t, edge, credential, protocol, req)
					var want string
					switch {
					case permission == "" && !slices.Contains([]string{"nobody"}, caller) && !known:
						want = "unauthenticated"
					case permission == "": // the service checks a signature
						continue
					case !known:
						want = "unauthenticated"
					case !may:
						want = "permission_denied"
					}
					got := ""
					if code == connect.CodeUnauthenticated || code == connect.CodePermissionDenied {
						got = code.String()
					}
					if got != want {
						t.Errorf("%s by %s: code %q, want %q", caller, protocol, code, want)
					}
				}
			}
		})
	}
	if after := k.contents(t); after != before {
		t.Errorf("refused calls changed something:\n%s\nwas:\n%s", after, before)
	}

	t.Run("one's own", func(t *testing.T) {
		for path, want := range map[string]int{"/v1/users/user1": http.StatusOK, "/v1/users/user2": http.StatusForbidden, "/v1/users": http.StatusForbidden} {
			if status, answer := requestWith(t, http.MethodGet, edge+path, "", callers["user"]); status != want {
				t.Errorf("GET %s: %d %s, want %d", path, status, answer, want)
			}
		}
	})
	t.Run("other paths", func(t *testing.T) {
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/v1/nothing": 401, "/": 401, "/openapi.yaml": 401, "/metrics": 401, "/bongsu.job.v1.DispatchService/Claim": 401} {
			if status, answer := requestWith(t, http.MethodGet, edge+path, "", ""); status != want {
				t.Errorf("GET %s as nobody: %d %s, want %d", path, status, answer, want)
			}
		}
		for path, want := range map[string]int{"/v1/nothing": 404, "/openapi.yaml": 200, "/metrics": 200} {
			if status, answer := requestWith(t, http.MethodGet, edge+path, "", callers["viewer"]); status != want {
				t.Errorf("GET %s as a viewer: %d %s, want %d", path, status, answer, want)
			}
		}
	})
}
