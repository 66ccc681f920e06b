package main

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// A shortMessage is a message that the fake provider has got.
type shortMessage struct{ To, Body string }

// shortMessages returns the messages that the fake provider has got.
func (l *library) shortMessages(t *testing.T) (sent []shortMessage) {
	t.Helper()
	peers, err := rpc.OpenPeers(rpc.PeerConfig{KeyFile: filepath.Join(l.data, "internal.key")}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	addr := l.main.await(t, `"msg":"listening","service":"mockup","addr":"([^"]+)"`)[1]
	account, _, _ := strings.Cut(smsCredential, ":")
	res, err := mockupv1connect.NewMockupServiceClient(peers.Client(), "http://"+addr).ListCalls(t.Context(), &mockupv1.ListCallsRequest{
		Path: "/2010-04-01/Accounts/" + account + "/Messages.json",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range res.GetCalls() {
		form, err := url.ParseQuery(call.GetBody())
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, shortMessage{form.Get("To"), form.Get("Body")})
	}
	return sent
}

// awaitSMS waits until the telephone of a customer has one message with texts.
func (l *library) awaitSMS(t *testing.T, who string, texts ...string) {
	t.Helper()
	eventually(t, "one short message to "+who+" with "+strings.Join(texts, ", "), func() bool {
		found := 0
		for _, sent := range l.shortMessages(t) {
			if sent.To == customers[who] && containsAll(sent.Body, texts) {
				found++
			}
		}
		return found == 1
	})
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
