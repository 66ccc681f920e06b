package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBufCurl calls one process and six with buf curl, which knows the API by
// reflection only.
func TestBufCurl(t *testing.T) {
	buf := findBuf(t)
	test := func(t *testing.T, d deployment) {
		for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
			t.Run(protocol, func(t *testing.T) {
				curl := func(method, data string) (string, error) {
					out, err := exec.CommandContext(t.Context(), buf, "curl", "--protocol="+protocol, "--http2-prior-knowledge", "--data="+data, d.edge+"/"+method).CombinedOutput()
					return string(out), err
				}
				answer, err := curl("bongsu.group.v1.GroupService/GetGroup", `{"id":2}`)
				if err != nil || !strings.Contains(answer, `"test-team2"`) {
					t.Errorf("GetGroup: %v %s", err, answer)
				}
				answer, err = curl("bongsu.alert.v1.AlertService/SendAlert", `{"target":["@user1","@@test-team2"],"message":"node1 down"}`)
				if err != nil || !strings.Contains(answer, `"userCount": 3`) && !strings.Contains(answer, `"userCount":3`) {
					t.Errorf("SendAlert: %v %s", err, answer)
				}
				answer, err = curl("bongsu.alert.v1.AlertService/SendAlert", `{"target":["user1"],"message":"m"}`)
				if err == nil || !strings.Contains(answer, "invalid_argument") || !strings.Contains(answer, "user1") {
					t.Errorf("a malformed target: %v %s", err, answer)
				}
			})
		}
	}
	t.Run("one process", func(t *testing.T) { test(t, oneProcess(t)) })
	t.Run("six processes", func(t *testing.T) { test(t, sixProcesses(t)) })
}

// findBuf returns buf from tools/ or the PATH. It is required in CI.
func findBuf(t *testing.T) string {
	t.Helper()
	local, err := filepath.Abs("../../tools/node_modules/.bin/buf")
	must(t, err)
	if _, err := os.Stat(local); err == nil {
		return local
	}
	if path, err := exec.LookPath("buf"); err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatal("buf is not installed: run npm ci in tools/")
	}
	t.Skip("buf is not installed (npm ci in tools/ installs it)")
	return ""
}
