package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// TestFailover requests failover by alert and by user: a user with one address is
// notified by it at once.
func TestFailover(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		if status, answer := request(t, http.MethodPut, d.edge+"/v1/users/user2", `{"failover":true}`); status != http.StatusOK || !strings.Contains(answer, `"failover":true`) {
			t.Fatalf("%d %s", status, answer)
		}
		for _, body := range []string{
			`{"target":["@user1","@user2"],"message":"m","failover":true}`,
			`{"target":["@user1","@user2"],"message":"m"}`,
		} {
			for _, delivery := range d.ended(t, d.send(t, body).ID) {
				if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT || delivery.GetChain() != "" || kinds(delivery) != "sent" {
					t.Errorf("%s: %v", body, delivery)
				}
			}
		}
		if status, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", `{"target":["@user1"],"message":"m","failover":"yes"}`); status != http.StatusBadRequest {
			t.Errorf("failover that is not a bool: %d %s", status, answer)
		}
	})
}

// TestFailoverAfter checks that a failover delay that would use all addresses at once
// is refused.
func TestFailoverAfter(t *testing.T) {
	out, err := exec.Command(binaries.Bongsu, "serve", "--data="+t.TempDir(), "--failover-after=10ms").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "invalid --failover-after 10ms: must be at least 1s") {
		t.Errorf("%v: %s", err, out)
	}
}
