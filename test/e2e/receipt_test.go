package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// calledBack writes a configuration with a callback URL for Twilio, and returns the
// address on which the edge must listen for it.
func calledBack(t *testing.T) (config, addr string) {
	t.Helper()
	addr = fmt.Sprintf("127.0.0.1:%d", proc.Port(t))
	config = filepath.Join(t.TempDir(), "messengers.yaml")
	must(t, os.WriteFile(config, []byte("twilio: {callback-url: 'http://"+addr+"'}\n"), 0o600))
	return config, addr
}

// TestReceipts sends Twilio's callbacks: an undelivered message becomes failed, the
// next address of its failover chain is used, and callbacks without a valid signature
// are refused.
func TestReceipts(t *testing.T) {
	t.Run("one process", func(t *testing.T) {
		config, addr := calledBack(t)
		receipts(t, oneProcess(t, "--messenger-config="+config, "--edge-addr="+addr))
	})
	t.Run("three processes", func(t *testing.T) {
		config, addr := calledBack(t)
		key := makeKey(t)
		serve := func(services string, more ...string) *proc.Process {
			return binaries.Serve(t, append(append([]string{"--services=" + services, "--data=" + t.TempDir()}, anywhere...), more...)...)
		}
		var d deployment
		d.directory = serve("directory", "--messenger-config="+config, "--seal-key-file="+key, "--demo-data").URLs(t, 1)["directory"]
		rest := serve("alert,sender,mockup", "--messenger-config="+config, "--seal-key-file="+key, "--directory-service-url="+d.directory).URLs(t, 3)
		d.alert, d.mockup = rest["alert"], rest["mockup"]
		d.edge = serve("edge", "--edge-addr="+addr, "--directory-service-url="+d.directory, "--alert-url="+d.alert).URLs(t, 1)["edge"]
		receipts(t, d)
	})
}

func receipts(t *testing.T, d deployment) {
	t.Helper()
	for name, number := range map[string]string{"kim": "+821012345678", "lee": "+821000530003"} {
		status, answer := request(t, http.MethodPost, d.edge+"/v1/users", `{"nickName":"`+name+`","failover":true,"addresses":[
			{"messenger":"twilio","credential":"AC0123456789abcdef:secret:+15005550006","destination":"`+number+`"},
			{"messenger":"slack","credential":"xoxb-secret","destination":"C1","rank":1}]}`)
		if status != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, status, answer)
		}
	}

	kim := d.received(t, d.send(t, `{"target":["@kim"],"message":"m"}`).ID)
	if r := kim[0].GetReceipt(); r.GetStatus() != "delivered" || !r.GetFinal() || r.GetProviderCode() != "" || r.GetTime() == nil ||
		r.GetProviderMessageId() != kim[0].GetAttempts()[0].GetOutcome().GetProviderMessageId() {
		t.Errorf("%v", kim[0])
	}
	if kim[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || kim[1].GetReason() != "not_needed" || kim[1].GetReceipt() != nil {
		t.Errorf("%v", kim)
	}

	id := d.send(t, `{"target":["@lee"],"message":"m"}`).ID
	lee := d.received(t, id)
	if r := lee[0].GetReceipt(); r.GetStatus() != "undelivered" || !r.GetFinal() || r.GetProviderCode() != "30003" {
		t.Errorf("%v", lee[0])
	}
	if lee[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_FAILED || lee[0].GetReason() != "undelivered" || kinds(lee[0]) != "sent" {
		t.Errorf("%v", lee[0])
	}
	if next := d.ended(t, id)[1]; next.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || next.GetMessenger() != "slack" {
		t.Errorf("the next address: %v", next)
	}

	before := d.get(t, id).String()
	body := "MessageSid=" + lee[0].GetReceipt().GetProviderMessageId() + "&MessageStatus=delivered"
	for at, want := range map[string]int{
		"twilio/" + lee[0].GetId(): http.StatusBadRequest, // not signed
		"twilio/" + lee[1].GetId(): http.StatusNotFound,   // sent by slack
		"slack/" + lee[1].GetId():  http.StatusNotFound,   // slack has no callbacks
		"twilio/1":                 http.StatusNotFound,
		"twilio/0":                 http.StatusBadRequest,
		"twilio/x":                 http.StatusBadRequest,
	} {
		status, answer := requestAs(t, http.MethodPost, d.edge+"/v1/callbacks/"+at, "application/x-www-form-urlencoded", body)
		if status != want || strings.Contains(answer, "secret") {
			t.Errorf("%s: %d %s, want %d", at, status, answer, want)
		}
	}
	if after := d.get(t, id).String(); after != before {
		t.Errorf("changed to %s\nfrom %s", after, before)
	}
}

// received waits until the first delivery of an alert has a final receipt, and returns
// all deliveries.
func (d deployment) received(t *testing.T, id string) []*alertv1.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		res, err := d.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
		must(t, err)
		if res.GetDeliveries()[0].GetReceipt().GetFinal() && len(res.GetDeliveries()[0].GetAttempts()) > 0 {
			return res.GetDeliveries()
		}
		look(ctx, t)
	}
}
