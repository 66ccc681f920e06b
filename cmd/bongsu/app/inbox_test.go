package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/edge"
)

// An inboxCaller calls an edge by REST, with an API key if it has one.
type inboxCaller struct {
	t    *testing.T
	edge string
	key  string
}

// call returns the status and the body of a response.
func (c inboxCaller) call(method, path, body string) (int, string) {
	c.t.Helper()
	header := http.Header{}
	if c.key != "" {
		header.Set("Authorization", "Bearer "+c.key)
	}
	res := read(c.t, method, c.edge+path, "application/json", body, header)
	return res.status, string(res.body)
}

// must calls and returns the fields of a successful response.
func (c inboxCaller) must(method, path, body string) map[string]any {
	c.t.Helper()
	status, text := c.call(method, path, body)
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(text), &fields); err != nil || status >= http.StatusBadRequest {
		c.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return fields
}

// items returns the texts in an inbox, the newest first.
func (c inboxCaller) items(query string) (texts []string) {
	c.t.Helper()
	items, _ := c.must("GET", "/v1/inbox?"+query, "")["items"].([]any)
	for _, i := range items {
		texts = append(texts, i.(map[string]any)["text"].(string))
	}
	return texts
}

// send sends an alert and returns its id.
func (c inboxCaller) send(target, message string) string {
	c.t.Helper()
	return c.must("POST", "/v1/alerts", fmt.Sprintf(`{"target":[%q],"message":%q,"title":"Order","link":"https://shop.example/7"}`, target, message))["id"].(string)
}

// receipt returns the receipt of the only delivery of an alert; nil for none.
func (c inboxCaller) receipt(alert string) map[string]any {
	c.t.Helper()
	d := c.must("GET", "/v1/alerts/"+alert, "")["deliveries"].([]any)[0].(map[string]any)
	receipt, _ := d["receipt"].(map[string]any)
	return receipt
}

// createUsers creates users with an inbox.
func (c inboxCaller) createUsers(nicknames ...string) {
	c.t.Helper()
	for _, nickname := range nicknames {
		c.must("POST", "/v1/users", fmt.Sprintf(`{"nickName":%q,"addresses":[{"messenger":"inbox"}]}`, nickname))
	}
}

// TestInbox sends alerts to inboxes, reads them, and finds the read in the delivery record: in one
// process, and in one for each service.
func TestInbox(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for name, run := range map[string]func(*testing.T) *App{
		"one process": func(t *testing.T) *App { return runApp(t, Config{Log: log}) },
		"parts": func(t *testing.T) *App {
			nats, key := startNATS(t), filepath.Join(t.TempDir(), "seal.key")
			kittest.NoError(t, sealkey.Format.CreateKeyFile(key))
			runApp(t, Config{Services: []string{Directory, Alert}, NATSURL: nats, SealKeyFile: key, Log: log})
			runApp(t, Config{Services: []string{Inbox}, NATSURL: nats, Log: log})
			runApp(t, Config{Services: []string{Sender}, NATSURL: nats, SealKeyFile: key, Log: log})
			return runApp(t, Config{Services: []string{Edge}, NATSURL: nats, Log: log})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := inboxCaller{t: t, edge: "http://" + run(t).Addr(Edge)}
			awaitThat(t, "the edge is ready", func() bool { status, _ := c.call("GET", "/readyz", ""); return status == http.StatusOK })
			c.createUsers("kim", "lee")
			first := c.send("@kim", "created")
			awaitThat(t, "kim has an item", func() bool { return len(c.items("nickName=kim")) == 1 })
			kittest.Equal(t, c.items("nickName=kim"), []string{"[normal] created"})
			kittest.Equal(t, len(c.items("nickName=lee")), 0)
			second := c.send("@all", "shipped")
			awaitThat(t, "both have the second", func() bool { return len(c.items("nickName=kim")) == 2 && len(c.items("nickName=lee")) == 1 })
			kittest.Equal(t, c.must("GET", "/v1/inbox/unread?nickName=kim", "")["count"], any(float64(2)))
			kittest.Equal(t, c.receipt(first), map[string]any(nil))

			item := c.must("POST", "/v1/inbox/1:read", `{"nickName":"kim"}`)["item"].(map[string]any)
			kittest.Equal(t, [4]any{item["id"], item["alertId"], item["title"], item["link"]}, [4]any{"1", first, "Order", "https://shop.example/7"})
			awaitThat(t, "the read is a receipt", func() bool { return c.receipt(first)["status"] == "read" })
			kittest.Equal(t, c.receipt(first)["time"], item["readTime"])
			kittest.Equal(t, c.receipt(first)["final"], any(true))
			kittest.Equal(t, c.receipt(second), map[string]any(nil))
			kittest.Equal(t, c.items("nickName=kim&unreadOnly=true"), []string{"[normal] shipped"})
			kittest.Equal(t, c.must("POST", "/v1/inbox:readAll", `{"nickName":"kim"}`)["count"], any(float64(1)))
			c.must("POST", "/v1/inbox/2:archive", `{"nickName":"kim"}`)
			kittest.Equal(t, c.items("nickName=kim"), []string{"[normal] created"})
			kittest.Equal(t, c.items("nickName=kim&archived=true"), []string{"[normal] shipped"})

			for path, want := range map[string]int{"GET /v1/inbox": 400, "POST /v1/inbox:readAll": 400, "POST /v1/inbox/9:read": 400} {
				method, path, _ := strings.Cut(path, " ")
				if status, body := c.call(method, path, "{}"); status != want || !strings.Contains(body, "nick_name") {
					t.Errorf("%s %s without a nickname: %d %s", method, path, status, body)
				}
			}
			if status, body := c.call("POST", "/v1/inbox/9:read", `{"nickName":"kim"}`); status != http.StatusNotFound {
				t.Errorf("unknown item: %d %s", status, body)
			}
			status, body := c.call("POST", "/v1/users", `{"nickName":"park","addresses":[{"messenger":"inbox","destination":"kim"}]}`)
			if status != http.StatusBadRequest || !strings.Contains(body, "destination") {
				t.Errorf("an address at another's inbox: %d %s", status, body)
			}
			status, body = c.call("POST", "/v1/users", `{"nickName":"park","addresses":[{"messenger":"slack","destination":"C1"}]}`)
			if status != http.StatusBadRequest || !strings.Contains(body, "credential") {
				t.Errorf("slack without a credential: %d %s", status, body)
			}
		})
	}
}

// TestInboxOfCaller checks that users read their own inboxes with a key, and nobody else's.
func TestInboxOfCaller(t *testing.T) {
	data := t.TempDir()
	a := runApp(t, Config{Data: data, Log: slog.New(slog.DiscardHandler), Edge: edge.Config{Auth: edge.AuthRequired}})
	admin := inboxCaller{t: t, edge: "http://" + a.Addr(Edge), key: adminKey(t, data)}
	admin.createUsers("kim", "lee")
	keys := map[string]inboxCaller{}
	for name, req := range map[string]*accessv1.CreateKeyRequest{
		"kim": {Role: "user", NickName: "kim"}, "lee": {Role: "user", NickName: "lee"}, "viewer": {Role: "viewer"}, "operator": {Role: "operator"}, "sender": {Role: "sender"},
	} {
		req.Name = name
		made, err := accessClient(a, admin.key).CreateKey(t.Context(), req)
		kittest.NoError(t, err)
		keys[name] = inboxCaller{t: t, edge: admin.edge, key: made.GetKey()}
	}
	keys["sender"].send("@kim", "created")
	kim, lee := keys["kim"], keys["lee"]
	awaitThat(t, "kim has an item", func() bool { return len(kim.items("")) == 1 })
	kittest.Equal(t, kim.items("nickName=kim"), []string{"[normal] created"})
	kittest.Equal(t, len(lee.items("")), 0)
	kittest.Equal(t, admin.items("nickName=kim"), []string{"[normal] created"})
	if status, body := admin.call("GET", "/v1/inbox", ""); status != http.StatusBadRequest || !strings.Contains(body, "nick_name") {
		t.Errorf("an admin without a nickname: %d %s", status, body)
	}
	for _, name := range []string{"lee", "viewer", "operator", "sender"} {
		for path, body := range map[string]string{
			"GET /v1/inbox?nickName=kim": "", "GET /v1/inbox/unread?nickName=kim": "", "POST /v1/inbox/1:read": `{"nickName":"kim"}`,
			"POST /v1/inbox:readAll": `{"nickName":"kim"}`, "POST /v1/inbox/1:archive": `{"nickName":"kim"}`,
		} {
			method, path, _ := strings.Cut(path, " ")
			if status, text := keys[name].call(method, path, body); status != http.StatusForbidden {
				t.Errorf("%s: %s %s: %d %s", name, method, path, status, text)
			}
		}
	}
	if status, body := lee.call("POST", "/v1/inbox/1:read", "{}"); status != http.StatusNotFound {
		t.Errorf("lee has no item: %d %s", status, body)
	}
	kittest.Equal(t, kim.must("GET", "/v1/inbox/unread", "")["count"], any(float64(1)))
	kim.must("POST", "/v1/inbox/1:read", "{}")
	kittest.Equal(t, kim.must("GET", "/v1/inbox/unread", "")["count"], any(float64(0)))
}
