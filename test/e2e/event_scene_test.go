package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/test/proc"
)

// A scene is a shop of which other services publish events: processes of each service and a
// NATS server, of which some are killed and started again.
type scene struct {
	deployment
	natsDir  string
	natsPort int
	origin   string // of the pages that may call the edge
	server   *proc.Process
	start    map[string]func() *proc.Process // by service
}

// kim buys, lee owns the shop, and park is in the group of administrators.
const (
	kimNumber = "+821012345678"
	sceneRule = `{"name":"%s","type":"%s","message":"%s","link":"https://shop.example/orders/{{.subject}}","notify":[
		{"targets":["@{{.data.buyer}}"],"by":["inbox","twilio"]},{"targets":["@{{.data.owner}}","@@administrators"],"by":["inbox"]}]}`
)

// startScene starts the processes and creates the people and the rules.
func startScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{natsDir: t.TempDir(), natsPort: proc.Port(t), origin: "http://127.0.0.1:" + strconv.Itoa(proc.Port(t)), start: map[string]func() *proc.Process{}}
	s.server, s.nats = binaries.NATS(t, s.natsDir, s.natsPort)
	s.parts = map[string]*proc.Process{}
	key := makeKey(t)
	service := func(name string, more ...string) string {
		t.Helper()
		addr := "--" + name + "-addr=127.0.0.1:" + strconv.Itoa(proc.Port(t))
		args := append([]string{"--services=" + name, addr, "--data=" + t.TempDir(), "--nats-url=" + s.nats}, more...)
		s.start[name] = func() *proc.Process { return binaries.Serve(t, args...) }
		s.parts[name] = s.start[name]()
		return s.parts[name].URLs(t, 1)[name]
	}
	s.mockup = service("mockup")
	s.directory = service("directory", "--seal-key-file="+key)
	s.alert = service("alert")
	service("inbox")
	service("event")
	s.edge = service("edge", "--cors-origins="+s.origin)
	s.sender = service("sender", "--provider-url="+s.mockup, "--seal-key-file="+key)
	awaitReady(t, s.edge, true)
	awaitReady(t, s.sender, true)
	awaitInstances(t, s.edge, "each service", func(all []instance) bool {
		count := countStates(all)
		return count["event serving"] == 1 && count["inbox serving"] == 1 && count["alert serving"] == 1
	})
	s.create(t, "/v1/users", `{"nickName":"kim","addresses":[{"messenger":"inbox"},{"messenger":"twilio","credential":"AC0123456789abcdef:secret:+15005550006","destination":"`+kimNumber+`"}]}`)
	s.create(t, "/v1/users", `{"nickName":"lee","addresses":[{"messenger":"inbox"}]}`)
	s.create(t, "/v1/users", `{"nickName":"park","addresses":[{"messenger":"inbox"}]}`)
	status, group := request(t, http.MethodPost, s.edge+"/v1/groups", `{"groupName":"administrators"}`)
	var created struct{ ID json.Number }
	if err := json.Unmarshal([]byte(group), &created); err != nil || status != http.StatusCreated {
		t.Fatalf("POST /v1/groups: %d %s", status, group)
	}
	s.create(t, "/v1/groups/"+created.ID.String()+"/users", `{"nickName":"park"}`)
	s.create(t, "/v1/event-rules", fmt.Sprintf(sceneRule, "order-created", "order.created", "Order {{.subject}}: {{.data.total}} won"))
	s.create(t, "/v1/event-rules", fmt.Sprintf(sceneRule, "delivery-started", "delivery.started", "Order {{.subject}} is on its way"))
	s.create(t, "/v1/event-rules", fmt.Sprintf(sceneRule, "answer-posted", "question.answered", "Your question has an answer"))
	return s
}

// create creates a resource.
func (s *scene) create(t *testing.T, path, body string) {
	t.Helper()
	if status, answer := request(t, http.MethodPost, s.edge+path, body); status != http.StatusCreated && status != http.StatusOK {
		t.Fatalf("POST %s %s: %d %s", path, body, status, answer)
	}
}

// kill kills a process, and starts it again.
func (s *scene) kill(t *testing.T, name string) {
	t.Helper()
	if name == "nats" {
		s.server.Kill()
		s.server, _ = binaries.NATS(t, s.natsDir, s.natsPort)
		return
	}
	s.parts[name].Kill()
	s.parts[name] = s.start[name]()
	s.parts[name].URLs(t, 1)
}

// publish publishes an event until it is stored, as a producer does.
func (s *scene) publish(t *testing.T, event string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		status, answer := request(t, http.MethodPost, s.edge+"/v1/events", event)
		var res struct{ Results []struct{ Outcome string } }
		if status == http.StatusOK && json.Unmarshal([]byte(answer), &res) == nil && len(res.Results) == 1 &&
			slices.Contains([]string{"PUBLISH_OUTCOME_STORED", "PUBLISH_OUTCOME_DUPLICATE"}, res.Results[0].Outcome) {
			return
		}
		if status != http.StatusServiceUnavailable {
			t.Fatalf("POST /v1/events: %d %s", status, answer)
		}
		look(ctx, t)
	}
}

// messages returns the short messages that the provider accepted.
func (s *scene) messages(t *testing.T) (texts []string) {
	t.Helper()
	for _, call := range s.calls(t) {
		form, err := url.ParseQuery(call.GetBody())
		must(t, err)
		if form.Get("To") == kimNumber && call.GetAnswerStatus() == http.StatusCreated {
			texts = append(texts, form.Get("Body"))
		}
	}
	return texts
}

// TestEventScene publishes the events of a shop while the event service, the inbox and the NATS
// server are killed at each step: each person is notified of each event exactly once, by each
// messenger, the browser without a gap and without a repeat; a redelivered event notifies
// nobody. Where Chromium is missing, only readers in Go are the browsers.
func TestEventScene(t *testing.T) {
	s := startScene(t)
	readers := map[string]*reader{}
	for _, who := range []string{"kim", "lee", "park"} {
		readers[who] = s.read(t, who)
	}
	pages := s.openPages(t, slices.Sorted(maps.Keys(readers))...)
	awaitAll := func(when string, want []string) {
		t.Helper()
		for who, r := range readers {
			r.await(t, when+": "+who, want)
		}
		for who, r := range pages.readers {
			r.await(t, when+": the page of "+who, want)
		}
	}
	var want []string
	step := 0
	for _, killed := range []string{"", "event", "inbox", "nats"} {
		for _, kind := range []struct{ eventType, source, text string }{
			{"order.created", "shop/orders", "Order o%d: 12345678901234567890 won"},
			{"delivery.started", "shop/deliveries", "Order o%d is on its way"},
			{"question.answered", "shop/questions", "Your question has an answer"},
		} {
			step++
			event := fmt.Sprintf(`{"id":"%d","source":%q,"type":%q,"subject":"o%d","data":{"buyer":"kim","owner":"lee","total":12345678901234567890}}`, step, kind.source, kind.eventType, step)
			published := make(chan struct{})
			go func() {
				defer close(published)
				s.publish(t, event)
			}()
			if killed != "" {
				s.kill(t, killed)
			}
			<-published
			if killed != "" { // once more, while the event is handled
				s.kill(t, killed)
			}
			text := kind.text
			if strings.Contains(text, "%d") {
				text = fmt.Sprintf(text, step)
			}
			want = append(want, "[normal] "+text)
			awaitAll(fmt.Sprintf("step %d (kill %q)", step, killed), want)
		}
	}

	// The stream is not asked whether it has these: its window of duplicates knows no message id.
	conn, err := nats.Connect(s.nats)
	must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	must(t, err)
	_, err = js.Publish(t.Context(), "events.order.created", []byte(`{"specversion":"1.0","id":"1","source":"shop/orders","type":"order.created","subject":"o1","data":{"buyer":"kim","owner":"lee","total":12345678901234567890}}`))
	must(t, err)
	_, err = js.Publish(t.Context(), "events.order.created", []byte(`{"specversion":"1.0","id":"last","source":"shop/orders","type":"order.created","subject":"o1","data":{"buyer":"kim","owner":"lee","total":1}}`))
	must(t, err)
	want = append(want, "[normal] Order o1: 1 won") // handled after the repeat of its subject
	awaitAll("at the end", want)

	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for len(s.messages(t)) < len(want) {
		look(ctx, t)
	}
	messages := s.messages(t)
	for i, text := range messages { // a messenger may add the link
		messages[i], _, _ = strings.Cut(text, "\n")
	}
	slices.Sort(messages)
	if sorted := slices.Sorted(slices.Values(want)); !slices.Equal(messages, sorted) {
		t.Errorf("kim got the messages %q, want %q", messages, sorted)
	}
	for who := range readers {
		status, answer := request(t, http.MethodGet, s.edge+"/v1/inbox?pageSize=500&nickName="+who, "")
		var list struct{ Items []struct{ Text, Link string } }
		if err := json.Unmarshal([]byte(answer), &list); err != nil || status != http.StatusOK || len(list.Items) != len(want) {
			t.Errorf("the inbox of %s: %d %.2000s", who, status, answer)
		}
		if len(list.Items) > 0 && list.Items[0].Link != "https://shop.example/orders/o1" {
			t.Errorf("the link of the last item is %q", list.Items[0].Link)
		}
	}
	pages.end(t)
	for who, r := range pages.readers {
		if page, direct := r.items(), readers[who].items(); !slices.Equal(page, direct) {
			t.Errorf("the page of %s got %v, a reader over HTTP %v", who, page, direct)
		}
	}
	if status, answer := request(t, http.MethodGet, s.edge+"/v1/dead-letters", ""); status != http.StatusOK || strings.Contains(answer, `"reason"`) {
		t.Errorf("dead letters: %d %s", status, answer)
	}
}
