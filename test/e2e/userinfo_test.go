package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestRemoteDirectory uses a remote directory with UserInfo: alerts go to the
// recipients that it returns, also while it is down, for lookups that are cached.
func TestRemoteDirectory(t *testing.T) {
	system := binaries.Serve(t, "--services=group", "--demo-data", "--data="+t.TempDir(), "--group-addr=127.0.0.1:0", "--seal-key-file="+makeKey(t))
	here := append([]string{
		"--services=all,mockup", "--data=" + t.TempDir(), "--seal-key-file=" + makeKey(t), // another key than that of the remote directory
		"--userinfo-url=" + system.URLs(t, 1)["directory"],
	}, anywhere...)
	urls := binaries.Serve(t, here...).URLs(t, 5)
	d := deployment{edge: urls["edge"], alert: urls["alert"], mockup: urls["mockup"]}

	sendsOnce := func(what string) {
		t.Helper()
		d.reset(t)
		sent := d.send(t, `{"target":["@user1","@nobody"],"message":"node1 down"}`)
		if *sent.UserCount != 1 || len(sent.UnknownTarget) != 1 {
			t.Fatalf("%s: response %+v", what, sent)
		}
		d.ended(t, sent.ID)
		calls := d.calls(t)
		if len(calls) != 1 || calls[0].GetHeaders()["Authorization"] != "Bearer SLACK-USER1-TOKEN" {
			t.Errorf("%s: the fake received %v", what, calls)
		}
	}
	sendsOnce("the remote directory is up")
	system.Kill()
	sendsOnce("the remote directory is down")
	res, err := http.Post(d.edge+"/v1/alerts", "application/json", strings.NewReader(`{"target":["@user2"],"message":"node1 down"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusInternalServerError {
		t.Errorf("a lookup that is not cached: %s", res.Status)
	}
}
