package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// program walks through the pages in Chromium; `make scene` builds it.
const program = "../../../test/ts/build/school_pages.js"

// patience is the timeout of every wait for another process.
const patience = 2 * time.Minute

// TestInChromium walks through an outing in the pages of a school with a real Bongsu. It is skipped
// without Chromium, unless BONGSU_TEST_BROWSER is "required".
func TestInChromium(t *testing.T) {
	node, err := findBrowser(t)
	if err != nil {
		if os.Getenv("BONGSU_TEST_BROWSER") == "required" {
			t.Fatalf("no Chromium, but BONGSU_TEST_BROWSER=required: %v", err)
		}
		t.Skip(err)
	}
	awaitDay(t, 5*time.Minute)
	data := filepath.Join(t.TempDir(), "data")
	web, mockup := startSchool(t, data)
	out, err := exec.CommandContext(t.Context(), node, program, web, mockup, filepath.Join(data, "internal.key"), "beacon-fire").CombinedOutput()
	t.Logf("%s", out)
	kittest.NoError(t, err)
}

// findBrowser returns the command node, or why there is no browser.
func findBrowser(t *testing.T) (node string, err error) {
	t.Helper()
	if node, err = exec.LookPath("node"); err != nil {
		return "", err
	}
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("make scene builds it: %w", err)
	}
	// Without arguments, the program only looks for a browser.
	if output, err := exec.CommandContext(t.Context(), node, program).CombinedOutput(); err != nil {
		return "", errors.New(strings.TrimSpace(string(output)))
	}
	return node, nil
}

// awaitDay waits until the day in Seoul lasts for some time: an outing is over at midnight.
func awaitDay(t *testing.T, left time.Duration) {
	t.Helper()
	for now := time.Now(); seoul.Day(now) != seoul.Day(now.Add(left)); now = time.Now() {
		select {
		case <-time.After(time.Second):
		case <-t.Context().Done():
			t.Fatal("the test has ended")
		}
	}
}

// startSchool builds and starts a school with a folder for its data, and returns the URLs of its pages and of the fake providers.
func startSchool(t *testing.T, data string) (web, mockup string) {
	t.Helper()
	dir := t.TempDir()
	for name, pkg := range map[string]string{"school": "..", "bongsu": "../../../cmd/bongsu"} {
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", pkg, err, out)
		}
	}
	web = freeAddr(t)
	school := exec.Command(filepath.Join(dir, "school"), "--data="+data, "--bongsu="+filepath.Join(dir, "bongsu"),
		"--edge-addr=127.0.0.1:0", "--web-addr="+web, "--web-url=http://"+web, "--drain=0s")
	output, err := school.StderrPipe()
	kittest.NoError(t, err)
	kittest.NoError(t, school.Start())
	ended, found, ready := make(chan struct{}), make(chan string, 1), make(chan struct{})
	t.Cleanup(func() {
		_ = school.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the school does not stop")
			_ = school.Process.Kill()
			<-ended
		}
	})
	go func() {
		defer close(ended)
		watch(output, found, ready)
		_ = school.Wait() // an error would be in its log
	}()
	timeout := time.After(patience)
	for range 2 {
		select {
		case mockup = <-found:
		case <-ready:
			ready = nil
		case <-ended:
			t.Fatal("the school has ended; its log says why")
		case <-timeout:
			t.Fatal("the school is not ready")
		}
	}
	return "http://" + web, "http://" + mockup
}

var mockupListens = regexp.MustCompile(`"msg":"listening","service":"mockup","addr":"([^"]+)"`)

// watch copies a log to standard error, sends the address of the fake providers, and closes ready when
// the school is ready.
func watch(log io.Reader, mockup chan<- string, ready chan<- struct{}) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintln(os.Stderr, lines.Text())
		if found := mockupListens.FindStringSubmatch(lines.Text()); found != nil {
			mockup <- found[1]
		}
		if strings.Contains(lines.Text(), "the school is ready") {
			close(ready)
		}
	}
}

// freeAddr returns an address that no process listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	kittest.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
