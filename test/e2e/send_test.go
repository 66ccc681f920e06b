package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestSend follows the example alert from the POST to three Slack calls and their
// records.
func TestSend(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		res := d.send(t, `{"target":["@user1","@@test-team2"],"severity":"normal","message":"node1 down"}`)
		if *res.UserCount != 3 || res.UnknownTarget == nil || len(res.UnknownTarget) != 0 {
			t.Errorf("response %+v", res)
		}
		var record []string
		for _, delivery := range d.ended(t, res.ID) {
			if len(delivery.GetAttempts()) != 1 {
				t.Fatalf("attempts of %s: %v", delivery.GetNickName(), delivery.GetAttempts())
			}
			o := delivery.GetAttempts()[0].GetOutcome()
			if o.GetKind() != messengerv1.OutcomeKind_OUTCOME_KIND_SENT || o.GetProviderStatus() != 200 || o.GetProviderMessageId() == "" {
				t.Errorf("evidence of %s: %v", delivery.GetNickName(), o)
			}
			record = append(record, delivery.GetNickName()+" "+delivery.GetState().String())
		}
		if want := []string{"user1 DELIVERY_STATE_SENT", "user2 DELIVERY_STATE_SENT", "user7 DELIVERY_STATE_SENT"}; !slices.Equal(record, want) {
			t.Errorf("the ledger has %q", record)
		}
		var got []string
		for _, c := range d.calls(t) {
			got = append(got, strings.Join([]string{c.GetMethod(), c.GetPath(), c.GetHeaders()["Content-Type"], c.GetHeaders()["Authorization"], c.GetBody()}, " "))
		}
		slices.Sort(got)
		var want []string
		for _, n := range []int{1, 2, 7} {
			want = append(want, fmt.Sprintf(`POST /api/chat.postMessage application/json Bearer SLACK-USER%d-TOKEN {"channel":"USER%d_CHANNEL_ID","text":"[normal] node1 down"}`, n, n))
		}
		if !slices.Equal(got, want) {
			t.Errorf("Slack received\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// TestRecipients sends to targets and compares the recipients of the Slack calls.
func TestRecipients(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		for _, c := range []struct {
			name, target string
			notified     []int
			unknown      []string
		}{
			{"a user named twice is notified once", `["@user2","@user2","@@test-team2"]`, []int{2, 7}, nil},
			{"everybody", `["@all"]`, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil},
			{"all users and some of them", `["@@test-team1","@all","@user9"]`, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil},
			{"an unknown target is listed, the others are notified", `["@nobody","@user5","@@no-team","@nobody"]`, []int{5}, []string{"@nobody", "@@no-team"}},
			{"only unknown targets", `["@nobody"]`, nil, []string{"@nobody"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				d.reset(t)
				res := d.send(t, `{"target":`+c.target+`,"severity":"high","message":"m"}`)
				if *res.UserCount != len(c.notified) || !slices.Equal(res.UnknownTarget, c.unknown) {
					t.Errorf("response %+v", res)
				}
				d.ended(t, res.ID)
				var notified []int
				for _, call := range d.calls(t) {
					var body struct{ Channel, Text string }
					must(t, json.Unmarshal([]byte(call.GetBody()), &body))
					var n int
					if _, err := fmt.Sscanf(body.Channel, "USER%d_CHANNEL_ID", &n); err != nil || body.Text != "[high] m" {
						t.Errorf("Slack received %s", call.GetBody())
					}
					notified = append(notified, n)
				}
				slices.Sort(notified)
				if !slices.Equal(notified, c.notified) {
					t.Errorf("notified %v, want %v", notified, c.notified)
				}
			})
		}
	})
}

// TestText checks the text that is sent for each kind of severity.
func TestText(t *testing.T) {
	d := oneProcess(t)
	for _, c := range []struct{ severity, text string }{
		{``, "[normal] m"},
		{`"severity":"",`, "[normal] m"},
		{`"severity":"CRITICAL",`, "[CRITICAL] m"},
		{`"severity":"경고",`, "[경고] m"},
		{`"severity":"{{.Secret}}",`, "[{{.Secret}}] m"},
	} {
		d.reset(t)
		d.ended(t, d.send(t, `{"target":["@user1"],`+c.severity+`"message":"m"}`).ID)
		if calls := d.calls(t); len(calls) != 1 || !strings.Contains(calls[0].GetBody(), `"text":"`+c.text+`"`) {
			t.Errorf("%s: %v", c.severity, calls)
		}
	}
}

// TestJobs checks the queue messages: 12 recipients make jobs of 5, 5 and 2, with no
// token in the clear.
func TestJobs(t *testing.T) {
	d := sixProcesses(t)
	for n := 10; n <= 12; n++ {
		status, answer := request(t, http.MethodPost, d.edge+"/v1/users", fmt.Sprintf(`{"nickName":"user%d","addresses":[{"messenger":"slack","credential":"SLACK-USER%d-TOKEN","destination":"C%d"}]}`, n, n, n))
		if status != http.StatusCreated {
			t.Fatalf("%d %s", status, answer)
		}
	}
	conn, err := nats.Connect(d.nats)
	must(t, err)
	t.Cleanup(conn.Close)
	jobs, err := conn.SubscribeSync("send.>")
	must(t, err)
	must(t, conn.Flush())

	d.ended(t, d.send(t, `{"target":["@all"],"severity":"critical","message":"m"}`).ID)
	var sizes []int
	for range 3 {
		message, err := jobs.NextMsg(proc.Patience)
		must(t, err)
		bundle := new(jobv1.Bundle)
		must(t, proto.Unmarshal(message.Data, bundle))
		if len(bundle.GetJobs()) != 1 {
			t.Fatalf("a queue message holds %v", bundle.GetJobs())
		}
		sizes = append(sizes, len(bundle.GetJobs()[0].GetDeliveries()))
		if message.Subject != "send.slack.critical" || strings.Contains(string(message.Data), "SLACK-USER") {
			t.Errorf("%s holds %q", message.Subject, message.Data)
		}
	}
	if !slices.Equal(sizes, []int{5, 5, 2}) {
		t.Errorf("jobs of %v", sizes)
	}
}

// TestRedeliveredJob lets a sender take many redeliveries of a job at once: nobody is
// notified twice. The claim of the first job blocks the sender while the redeliveries
// accumulate.
func TestRedeliveredJob(t *testing.T) {
	d, startSender := withoutSender(t)
	conn, err := nats.Connect(d.nats)
	must(t, err)
	t.Cleanup(conn.Close)
	jobs, err := conn.SubscribeSync("send.>")
	must(t, err)
	must(t, conn.Flush())
	d.send(t, `{"target":["@user1"],"severity":"critical","message":"first"}`)
	_, err = jobs.NextMsg(proc.Patience)
	must(t, err)
	res := d.send(t, `{"target":["@@test-team2"],"severity":"low","message":"copied"}`)
	original, err := jobs.NextMsg(proc.Patience)
	must(t, err)
	for range 10 {
		_, err := conn.Request(original.Subject, original.Data, proc.Patience) // returns when it is stored
		must(t, err)
	}

	d.parts["alert"].Signal(t, syscall.SIGSTOP)
	startSender()
	fetched(t, conn, "slack-low", 11)
	d.parts["alert"].Signal(t, syscall.SIGCONT)
	d.ended(t, res.ID)
	copied := 0
	for _, call := range d.calls(t) {
		if strings.Contains(call.GetBody(), "copied") {
			copied++
		}
	}
	if copied != 2 {
		t.Errorf("two users got %d calls", copied)
	}
}

// fetched waits until a rank's consumer, such as slack-normal, has delivered all its
// queue messages to senders.
func fetched(t *testing.T, conn *nats.Conn, consumer string, want int) {
	t.Helper()
	js, err := jetstream.New(conn)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		if stream, err := js.Stream(ctx, "BONGSU_JOBS"); err == nil {
			for c := range stream.ListConsumers(ctx).Info() {
				if strings.HasPrefix(c.Name, consumer+"-") && c.NumAckPending == want {
					return
				}
			}
		}
		look(ctx, t)
	}
}
