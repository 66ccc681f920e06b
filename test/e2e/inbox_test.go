package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// holdResponses forwards calls to a service, and holds its responses: stored gets a value for each
// one, and the callers get none until the test ends.
func holdResponses(t *testing.T, to string) (proxy string, stored <-chan struct{}) {
	t.Helper()
	target, err := url.Parse(to)
	must(t, err)
	responses, ended := make(chan struct{}, 10), make(chan struct{})
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport = &http.Transport{Protocols: unencrypted()}
	forward.ModifyResponse = func(res *http.Response) error {
		if strings.HasSuffix(res.Request.URL.Path, "/Store") {
			responses <- struct{}{}
			<-ended
		}
		return nil
	}
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewUnstartedServer(forward)
	server.Config.Protocols = unencrypted()
	server.Start()
	t.Cleanup(func() {
		close(ended)
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, responses
}

// unencrypted returns HTTP/1.1 and HTTP/2 without TLS, of which a client uses the latter.
func unencrypted() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// TestInboxKill kills the sender after the inbox service has stored an item, and before the sender
// knows: the next sender sends the delivery again, and the inbox has one item.
func TestInboxKill(t *testing.T) {
	_, nats := binaries.NATS(t, t.TempDir(), -1)
	key := makeKey(t)
	serve := func(services string, more ...string) *proc.Process {
		args := append([]string{"--services=" + services, "--data=" + t.TempDir(), "--nats-url=" + nats, "--inbox-addr=127.0.0.1:0"}, anywhere...)
		return binaries.Serve(t, append(args, more...)...)
	}
	const lease = "--lease=3s"
	inbox := serve("inbox").URLs(t, 1)["inbox"]
	urls := serve("edge,directory,alert", "--seal-key-file="+key, lease, "--provider-timeout=1s").URLs(t, 3)
	d := deployment{edge: urls["edge"]}
	awaitReady(t, d.edge, true)
	proxy, stored := holdResponses(t, inbox)
	first := serve("sender", "--seal-key-file="+key, lease, "--provider-timeout=1s", "--inbox-service-url="+proxy)

	status, answer := request(t, http.MethodPost, d.edge+"/v1/users", `{"nickName":"kim","addresses":[{"messenger":"inbox"}]}`)
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	id := d.send(t, `{"target":["@kim"],"message":"shipped"}`).ID
	select {
	case <-stored:
	case <-time.After(proc.Patience):
		t.Fatalf("the sender stores nothing\n%s", first.Log())
	}
	first.Kill()
	items := func() []map[string]any {
		t.Helper()
		_, answer := request(t, http.MethodGet, d.edge+"/v1/inbox?nickName=kim", "")
		var list struct{ Items []map[string]any }
		must(t, json.Unmarshal([]byte(answer), &list))
		return list.Items
	}
	before := items()
	if len(before) != 1 || before[0]["text"] != "[normal] shipped" {
		t.Fatalf("after the kill the inbox has %v", before)
	}

	serve("sender", "--seal-key-file="+key, lease, "--provider-timeout=1s")
	deliveries := d.endedLate(t, id)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(deliveries) == 1 && deliveries[0].GetState() == alertv1.DeliveryState_DELIVERY_STATE_CLAIMED {
		look(ctx, t)
		deliveries = d.endedLate(t, id)
	}
	if len(deliveries) != 1 || deliveries[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
		t.Fatalf("deliveries %v", deliveries)
	}
	if after := items(); len(after) != 1 || after[0]["id"] != before[0]["id"] || after[0]["storeTime"] != before[0]["storeTime"] {
		t.Errorf("the inbox has %v, want %v", after, before)
	}
}
