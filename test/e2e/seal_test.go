package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/test/proc"
)

// bongsu runs a command that must succeed, and returns its output.
func bongsu(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binaries.Bongsu, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("bongsu %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// newKey creates a seal key file.
func newKey(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "seal.key")
	bongsu(t, "key", "make", path)
	return path
}

// TestRotate rotates the seal key twice while alerts are sent, without a restart. All
// deliveries are sent: those accepted before, during and after.
func TestRotate(t *testing.T) {
	inEachDeployment(t, func(t *testing.T, d deployment) {
		keys := messengerv1connect.NewMessengerServiceClient(http.DefaultClient, d.edge)
		// Retried deliveries were accepted under the first key, and are sent under it
		// when the second and the third exist.
		d.fault(t, &mockupv1.Fault{Status: 500})
		var ids []string
		send := func() { ids = append(ids, d.send(t, `{"target":["@all"],"message":"node1 down"}`).ID) }
		send()
		for n := range 2 {
			rotated := regexp.MustCompile(`key (\d+) is the primary`).FindStringSubmatch(bongsu(t, "key", "rotate", d.key))
			name := fmt.Sprint("new", n)
			body := `{"nickName":"` + name + `","addresses":[{"messenger":"slack","credential":"SECRET-` + name + `","destination":"C1"}]}`
			if status, answer := request(t, http.MethodPost, d.edge+"/v1/users", body); status != http.StatusCreated {
				t.Fatalf("%d %s", status, answer)
			}
			ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
			for sealed := false; !sealed; { // until all addresses are sealed under the current key
				send()
				look(ctx, t)
				res, err := keys.ListSealKeys(ctx, &messengerv1.ListSealKeysRequest{})
				if err != nil {
					t.Fatal(err)
				}
				for _, k := range res.GetKeys() {
					sealed = sealed || k.GetPrimary() && fmt.Sprint(k.GetId()) == rotated[1] && int(k.GetAddressCount()) == 10+n
				}
			}
			cancel()
			d.reset(t)
			send()
		}
		for _, id := range ids {
			for _, delivery := range d.ended(t, id) {
				if delivery.GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
					t.Errorf("%s is %s: %s", delivery.GetNickName(), delivery.GetState(), delivery.GetReason())
				}
				for _, a := range delivery.GetAttempts() {
					if strings.HasPrefix(a.GetOutcome().GetProviderCode(), "seal") || strings.HasPrefix(a.GetOutcome().GetProviderCode(), "credential") {
						t.Errorf("%s: outcome %s", delivery.GetNickName(), a.GetOutcome().GetProviderCode())
					}
				}
			}
		}
	})
}

// TestWrongKey starts parts of a deployment with wrong seal keys: each fails at the
// start with a reason.
func TestWrongKey(t *testing.T) {
	d, _ := withoutSender(t)
	directory := filepath.Join(t.TempDir(), "directory.db")
	group := []string{"--services=directory", "--directory-addr=127.0.0.1:0", "--demo-data", "--directory-url=" + directory}
	first := binaries.Serve(t, append(group, "--data="+t.TempDir(), "--seal-key-file="+d.key)...)
	first.URLs(t, 1)
	if err := first.Stop(t); err != nil {
		t.Fatal(err)
	}
	sender := []string{"--services=sender", "--sender-addr=127.0.0.1:0", "--alert-url=" + d.alert, "--nats-url=" + d.nats, "--provider-url=" + d.mockup}
	open, broken := newKey(t), filepath.Join(t.TempDir(), "broken.key")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args     []string
		env      string
		wantText string
	}{
		"group, another key":                 {append(group, "--seal-key-file="+newKey(t)), "", "9 credentials in the directory cannot be opened"},
		"group, no key":                      {group, "", "no seal key at"},
		"group, a file that is none":         {append(group, "--seal-key-file="+broken), "", "holds no seal key"},
		"group, a file that all may read":    {append(group, "--seal-key-file="+open), "", "chmod 600"},
		"group, an environment that is none": {group, "BONGSU_SEAL_KEY=s3cret", "BONGSU_SEAL_KEY holds no seal key"},
		"group, two keys":                    {append(group, "--seal-key-file="+d.key), "BONGSU_SEAL_KEY=s3cret", "set the seal key once"},
		"sender, another key":                {append(sender, "--seal-key-file="+newKey(t)), "", "the directory service and the senders need the same seal key file"},
		"sender, no key":                     {sender, "", "no seal key at"},
		"sender, a file that all may read":   {append(sender, "--seal-key-file="+open), "", "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := binaries.ServeCommand(append(test.args, "--data="+t.TempDir())...)
			if test.env != "" {
				cmd.Env = append(cmd.Env, test.env)
			}
			p := proc.Start(t, cmd)
			if err := p.Wait(t); err == nil || !strings.Contains(p.Log(), test.wantText) {
				t.Errorf("exit %v, log %s", err, p.Log())
			}
			if strings.Contains(p.Log(), "s3cret") || strings.Contains(p.Log(), "listening") {
				t.Errorf("log %s", p.Log())
			}
		})
	}
}

// TestLateWrongKey starts a sender with a wrong key before the alert service is
// running: it exits when it can check the key.
func TestLateWrongKey(t *testing.T) {
	_, nats := binaries.NATS(t, t.TempDir(), -1)
	port := proc.Port(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	sender := binaries.Serve(t, "--services=sender", "--sender-addr=127.0.0.1:0", "--data="+t.TempDir(), "--alert-url="+url, "--nats-url="+nats, "--seal-key-file="+newKey(t))
	sender.URLs(t, 1)
	group := binaries.Serve(t, "--services=directory", "--directory-addr=127.0.0.1:0", "--data="+t.TempDir(), "--seal-key-file="+newKey(t)).URLs(t, 1)["directory"]
	binaries.Serve(t, "--services=alert", fmt.Sprintf("--alert-addr=127.0.0.1:%d", port), "--data="+t.TempDir(), "--directory-service-url="+group, "--nats-url="+nats)
	if err := sender.Wait(t); err == nil || !strings.Contains(sender.Log(), "the directory service and the senders need the same seal key file") {
		t.Errorf("it ended with %v and logged %s", err, sender.Log())
	}
}

// TestKeyInEnvironment sets the key by the environment, in base64.
func TestKeyInEnvironment(t *testing.T) {
	text, err := os.ReadFile(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--services=all,mockup", "--demo-data", "--data=" + t.TempDir()}, anywhere...)
	cmd := binaries.ServeCommand(args...)
	cmd.Env = append(cmd.Env, "BONGSU_SEAL_KEY="+base64.StdEncoding.EncodeToString(text))
	p := proc.Start(t, cmd)
	urls := p.URLs(t, 5)
	d := deployment{edge: urls["edge"], mockup: urls["mockup"]}
	id := d.send(t, `{"target":["@user1"],"message":"node1 down"}`).ID
	if ds := d.ended(t, id); ds[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
		t.Errorf("state %s", ds[0].GetState())
	}
	if err := p.Stop(t); err != nil || strings.Contains(p.Log(), string(text[:40])) {
		t.Errorf("exit %v, log %s", err, p.Log())
	}
}

// TestLateKey distributes a rotated file to the directory service before the sender: deliveries
// that are sealed under the new key wait for it and are sent.
func TestLateKey(t *testing.T) {
	d, startSender := withoutSender(t)
	text, err := os.ReadFile(d.key)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.key")
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		t.Fatal(err)
	}
	shared := d.key
	d.sender = startSender("--seal-key-file=" + copied)
	bongsu(t, "key", "rotate", shared)
	d.parts["directory"].Await(t, addressesSealed, 1)
	id := d.send(t, `{"target":["@user1"],"message":"node1 down"}`).ID
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for waits := false; !waits; look(ctx, t) {
		res, err := d.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: id})
		if err != nil {
			t.Fatal(err)
		}
		attempts := res.GetDeliveries()[0].GetAttempts()
		waits = len(attempts) > 0 && attempts[0].GetOutcome().GetProviderCode() == "seal_key_unknown"
	}
	if text, err = os.ReadFile(shared); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if ds := d.ended(t, id); ds[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_SENT {
		t.Errorf("state %s: %s", ds[0].GetState(), ds[0].GetReason())
	}
}

var addressesSealed = regexp.MustCompile(`credentials resealed under the primary seal key`)
