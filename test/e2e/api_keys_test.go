package e2e

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// inEachAccessDeployment runs a test in one process, on SQLite and on PostgreSQL, and with the access
// service in a process of its own, without authentication. access is the URL of the port of the
// access service; empty for none.
func inEachAccessDeployment(t *testing.T, suite func(t *testing.T, edge, access string)) {
	t.Run("one process", func(t *testing.T) { suite(t, oneProcess(t).edge, "") })
	t.Run("one process on PostgreSQL", func(t *testing.T) { suite(t, oneProcess(t, "--access-url="+postgrestest.URL(t)).edge, "") })
	t.Run("two processes", func(t *testing.T) {
		access := binaries.Serve(t, "--services=access", "--auth=off", "--access-addr=127.0.0.1:0", "--data="+t.TempDir()).URLs(t, 1)["access"]
		front := binaries.Serve(t, "--services=edge,directory,alert,sender", "--edge-addr=127.0.0.1:0", "--data="+t.TempDir(), "--access-service-url="+access)
		suite(t, front.URLs(t, 1)["edge"], access)
	})
}

// TestKeysREST walks the REST paths of keys, the audit log and bans.
func TestKeysREST(t *testing.T) {
	inEachAccessDeployment(t, func(t *testing.T, edge, _ string) {
		walk(t, edge, []step{
			{"no keys", "GET", "/v1/keys", "", 200, `{"keys":[],"nextPageToken":""}`, ""},
			{"create", "POST", "/v1/keys", `{"name":"grafana","role":"sender","allowedAddresses":["10.1.2.3/8"]}`, 201, `…"name":"grafana","role":"sender"`, ""},
			{"create with all", "POST", "/v1/keys", `{"name":"kim's phone","role":"user","nickName":"kim","expireTime":"2100-01-01T00:00:00Z"}`, 201, `…"nickName":"kim"`, ""},
			{"create: unknown role", "POST", "/v1/keys", `{"name":"x","role":"root"}`, 400, "…role", ""},
			{"create: no name", "POST", "/v1/keys", `{"role":"sender"}`, 400, "…name", ""},
			{"create: role user without nickname", "POST", "/v1/keys", `{"name":"x","role":"user"}`, 400, "…nick_name", ""},
			{"create: expired", "POST", "/v1/keys", `{"name":"x","role":"sender","expireTime":"2001-01-01T00:00:00Z"}`, 400, "…expire_time", ""},
			{"create: malformed network", "POST", "/v1/keys", `{"name":"x","role":"sender","allowedAddresses":["10.0.0.0/33"]}`, 400, "…allowed_addresses[0]", ""},
			{"create: unknown field", "POST", "/v1/keys", `{"name":"x","role":"sender","admin":true}`, 400, "…admin", ""},
			{"list", "GET", "/v1/keys?pageSize=1", "", 200, `…"nextPageToken":"`, ""},
			{"a page too large", "GET", "/v1/keys?pageSize=1001", "", 400, "…page_size", ""},
			{"revoke: unknown", "DELETE", "/v1/keys/nothing", "", 404, "…nothing", ""},
			{"audit log", "GET", "/v1/audit?procedure=bongsu.nothing.v1.Nothing", "", 200, `{"entries":[],"nextPageToken":""}`, ""},
			{"audit log: an invalid page token", "GET", "/v1/audit?pageToken=x", "", 400, "…page_token", ""},
			{"bans", "GET", "/v1/bans", "", 200, `{"bans":[]}`, ""},
			{"lift: not banned", "DELETE", "/v1/bans/203.0.113.7", "", 404, "…203.0.113.7 is not banned", ""},
			{"lift: not an address", "DELETE", "/v1/bans/node1", "", 400, "…node1", ""},
			{"caller", "GET", "/v1/caller", "", 200, `…"roles":[]`, ""},
		})
		_, list := request(t, http.MethodGet, edge+"/v1/keys", "")
		var keys struct {
			Keys []struct{ ID, Name, Role string }
		}
		if err := json.Unmarshal([]byte(list), &keys); err != nil || len(keys.Keys) != 2 || strings.Contains(list, "bgs_") {
			t.Errorf("the keys are %s, %v", list, err)
		}
	})
}

// TestKeysByProtocol creates, lists and revokes a key over each protocol. The internal service of the
// access process finds its hash.
func TestKeysByProtocol(t *testing.T) {
	inEachAccessDeployment(t, func(t *testing.T, edge, internal string) {
		for _, p := range protocols {
			t.Run(p.name, func(t *testing.T) {
				ctx := t.Context()
				client := accessv1connect.NewAccessServiceClient(http2Client(), edge, p.option)
				made, err := client.CreateKey(ctx, &accessv1.CreateKeyRequest{Name: p.name, Role: "operator"})
				must(t, err)
				id, secret, ok := auth.ParseKey(made.GetKey())
				if !ok || id != made.GetId() {
					t.Fatalf("the key has the id %q, not %q", id, made.GetId())
				}
				_, err = client.RevokeKey(ctx, &accessv1.RevokeKeyRequest{Id: id})
				must(t, err)
				list, err := client.ListKeys(ctx, &accessv1.ListKeysRequest{PageSize: 1000})
				must(t, err)
				i := slices.IndexFunc(list.GetKeys(), func(k *accessv1.Key) bool { return k.GetId() == id })
				if i < 0 || list.GetKeys()[i].GetRevokeTime() == nil || list.GetKeys()[i].GetName() != p.name {
					t.Errorf("the keys are %v", list)
				}
				caller, err := client.GetCaller(ctx, &accessv1.GetCallerRequest{})
				must(t, err)
				if caller.GetId() != "" || !slices.Contains(caller.GetPermissions(), "key.write") {
					t.Errorf("the caller is %v", caller)
				}
				if internal == "" {
					return
				}
				credentials := accessv1connect.NewCredentialServiceClient(http2Client(), internal, p.option)
				found, err := credentials.FindKey(ctx, &accessv1.FindKeyRequest{Id: id})
				must(t, err)
				if !slices.Equal(found.GetSecretHash(), auth.HashSecret(secret)) {
					t.Error("the hash is not that of the secret")
				}
				_, err = credentials.FindKey(ctx, &accessv1.FindKeyRequest{Id: "nothing"})
				wantCode(t, err, connect.CodeNotFound)
				entry := &accessv1.AuditEntry{Id: id, Time: timestamppb.Now(), Caller: id, Procedure: "bongsu.group.v1.GroupService/CreateGroup", Resource: "groups/7", Outcome: "ok"}
				for range 2 {
					_, err = credentials.RecordAuditEntries(ctx, &accessv1.RecordAuditEntriesRequest{Entries: []*accessv1.AuditEntry{entry}})
					must(t, err)
				}
				log, err := client.ListAuditEntries(ctx, &accessv1.ListAuditEntriesRequest{Caller: id})
				must(t, err)
				if got := log.GetEntries(); len(got) != 1 || got[0].GetResource() != "groups/7" {
					t.Errorf("the audit log is %v", got)
				}
			})
		}
	})
}

// TestNoAccessService checks that an edge without an access service starts, and says what it lacks.
func TestNoAccessService(t *testing.T) {
	edge := sixProcesses(t).edge
	status, answer := request(t, http.MethodGet, edge+"/v1/keys", "")
	if status != http.StatusServiceUnavailable || !strings.Contains(answer, "--access-service-url") {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := request(t, http.MethodGet, edge+"/v1/bans", ""); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	refused := binaries.Serve(t, "--services=edge", "--auth=required", "--directory-service-url=http://127.0.0.1:1", "--alert-url=http://127.0.0.1:1", "--data="+t.TempDir())
	if err := refused.Wait(t); err == nil || !strings.Contains(refused.Log(), "or --access-service-url") {
		t.Errorf("%v: %s", err, refused.Log())
	}
}

// asAdmin runs a client command that must succeed with the admin key of a data folder.
func asAdmin(t *testing.T, data, edge string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binaries.Bongsu, append(args, "--server="+edge)...)
	cmd.Env = append(os.Environ(), "BONGSU_DATA="+data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bongsu %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestFirstAdminKey checks that the first start with authentication writes an admin key, which the
// command line finds, and that later starts keep it.
func TestFirstAdminKey(t *testing.T) {
	data := t.TempDir()
	start := func(auth string) (edge string, stop func()) {
		p := binaries.Serve(t, "--auth="+auth, "--edge-addr=127.0.0.1:0", "--data="+data)
		return p.URLs(t, 1)["edge"], func() { must(t, p.Stop(t)) }
	}
	_, stop := start("off")
	stop()
	path := filepath.Join(data, "admin.key")
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the admin key without authentication: %v", err)
	}

	edge, stop := start("required")
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != fs.FileMode(0o600) {
		t.Errorf("the admin key has mode %s", info.Mode())
	}
	key, err := os.ReadFile(path)
	must(t, err)
	id, _, ok := auth.ParseKey(strings.TrimSpace(string(key)))
	if list := asAdmin(t, data, edge, "key", "list"); !ok || !strings.Contains(list, id) || !strings.Contains(list, "admin") {
		t.Errorf("the keys are %s", list)
	}
	made := asAdmin(t, data, edge, "key", "create", "ops", "--role=operator")
	stop()

	edge, stop = start("required")
	defer stop()
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, key) {
		t.Errorf("another start changes the admin key: %v", err)
	}
	other, _, _ := auth.ParseKey(strings.TrimSpace(made))
	if list := asAdmin(t, data, edge, "key", "list"); !strings.Contains(list, id) || !strings.Contains(list, other) || strings.Count(list, "\n") != 3 {
		t.Errorf("the keys are %s", list)
	}
}

// TestAdminKeyOfAccessProcess checks that an access service of its own writes the key, unless it is
// told that no edge needs one.
func TestAdminKeyOfAccessProcess(t *testing.T) {
	for flag, want := range map[string]bool{"": true, "--auth=required": true, "--auth=off": false} {
		data := t.TempDir()
		args := []string{"--services=access", "--access-addr=127.0.0.1:0", "--data=" + data}
		if flag != "" {
			args = append(args, flag)
		}
		binaries.Serve(t, args...).URLs(t, 1)
		if _, err := os.Stat(filepath.Join(data, "admin.key")); (err == nil) != want {
			t.Errorf("%q: %v", flag, err)
		}
	}
}

// TestAuditRetention checks that old entries are deleted by a running process.
func TestAuditRetention(t *testing.T) {
	data := t.TempDir()
	url := binaries.Serve(t, "--services=access", "--auth=off", "--keep-audit=1d", "--access-addr=127.0.0.1:0", "--data="+data)
	access := url.URLs(t, 1)["access"]
	credentials := accessv1connect.NewCredentialServiceClient(http.DefaultClient, access)
	var entries []*accessv1.AuditEntry
	for id, age := range map[string]time.Duration{"old": 25 * time.Hour, "new": 23 * time.Hour} {
		entries = append(entries, &accessv1.AuditEntry{Id: id, Time: timestamppb.New(time.Now().Add(-age)), Outcome: "ok"})
	}
	_, err := credentials.RecordAuditEntries(t.Context(), &accessv1.RecordAuditEntriesRequest{Entries: entries})
	must(t, err)
	must(t, url.Stop(t))

	again := binaries.Serve(t, "--services=access", "--auth=off", "--keep-audit=1d", "--access-addr=127.0.0.1:0", "--data="+data)
	again.Await(t, deletedEntries, 1)
	list, err := accessv1connect.NewAccessServiceClient(http.DefaultClient, again.URLs(t, 1)["access"]).ListAuditEntries(t.Context(), &accessv1.ListAuditEntriesRequest{})
	must(t, err)
	if got := list.GetEntries(); len(got) != 1 || got[0].GetId() != "new" {
		t.Errorf("the entries are %v", got)
	}
}

var deletedEntries = regexp.MustCompile(`"msg":"deleted audit entries","entries":1`)
