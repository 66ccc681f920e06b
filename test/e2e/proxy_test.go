package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// TestProxyOfTheEnvironment checks that user-given URLs lead to no private address with
// HTTP_PROXY either, and that the proxy gets no request for one.
func TestProxyOfTheEnvironment(t *testing.T) {
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(proxy.Close)
	cmd := binaries.ServeCommand("--data="+t.TempDir(), "--edge-addr=127.0.0.1:0", "--allow-http")
	cmd.Env = append(cmd.Env, "HTTP_PROXY="+proxy.URL, "HTTPS_PROXY="+proxy.URL, "NO_PROXY=")
	d := deployment{edge: proc.Start(t, cmd).URLs(t, 1)["edge"]}
	users := userv1connect.NewUserServiceClient(http.DefaultClient, d.edge)
	for i, url := range []string{"http://10.0.0.1/hook", "https://169.254.169.254/latest/meta-data/", "http://[fd00::1]/hook"} {
		name := fmt.Sprintf("kim%d", i)
		_, err := users.CreateUser(t.Context(), &userv1.CreateUserRequest{NickName: name, Addresses: []*userv1.NewAddress{{Messenger: "webhook", Credential: url}}})
		must(t, err)
		ended := d.ended(t, d.send(t, `{"target":["@`+name+`"],"message":"m"}`).ID)
		o := ended[0].GetAttempts()[0].GetOutcome()
		if ended[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_FAILED || o.GetProviderCode() != "forbidden_address" {
			t.Errorf("%s: %v", url, ended)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the proxy got %d requests", n)
	}
}
