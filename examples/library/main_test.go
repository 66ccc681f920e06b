package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// patience is the timeout of every wait for another process.
const patience = 30 * time.Second

// programs are the paths of the programs that the tests run.
var programs struct{ library, bongsu string }

// TestMain builds the programs.
func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "library-test-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	programs.library, programs.bongsu = filepath.Join(dir, "library"), filepath.Join(dir, "bongsu")
	if out, err := exec.Command("go", "build", "-o", programs.library, ".").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the library: %w\n%s", err, out)
	}
	if err := platform.BuildBongsu(context.Background(), programs.bongsu); err != nil {
		return 1, err
	}
	return postgrestest.Run(m, "LIBRARY_TEST_POSTGRES"), nil
}

// A running is a process of the library.
type running struct {
	command *exec.Cmd
	ended   chan struct{}

	mu   sync.Mutex
	log  strings.Builder
	news chan struct{} // closed at further output
}

// start starts a process, and kills it at the end of the test at the latest.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{command: exec.Command(programs.library, append([]string{"serve", "--drain=0s"}, args...)...), ended: make(chan struct{}), news: make(chan struct{})}
	r.command.Env = append(os.Environ(), "BONGSU_ADDRESS_LIMIT=off") // all callers have one address
	stderr, err := r.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	go r.watch(stderr)
	t.Cleanup(func() {
		_ = r.command.Process.Signal(syscall.SIGCONT)
		_ = r.command.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-r.ended:
		case <-time.After(patience):
			t.Error("a process does not stop")
			r.kill()
		}
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, r.text())
		}
	})
	return r
}

func (r *running) watch(stderr io.Reader) {
	defer close(r.ended)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r.mu.Lock()
		r.log.WriteString(lines.Text() + "\n")
		close(r.news)
		r.news = make(chan struct{})
		r.mu.Unlock()
	}
	_ = r.command.Wait() // a killed process has an error
}

// count returns the number of matches in the log.
func (r *running) count(pattern string) int {
	return len(regexp.MustCompile(pattern).FindAllString(r.text(), -1))
}

// text returns the log.
func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// await waits until the log has a match, and returns its groups.
func (r *running) await(t *testing.T, pattern string) []string {
	t.Helper()
	expression, timeout := regexp.MustCompile(pattern), time.After(patience)
	for {
		r.mu.Lock()
		found, news := expression.FindStringSubmatch(r.log.String()), r.news
		r.mu.Unlock()
		if found != nil {
			return found
		}
		select {
		case <-news:
		case <-r.ended:
			t.Fatalf("the process ended before it logged %s", pattern)
		case <-timeout:
			t.Fatalf("the process did not log %s", pattern)
		}
	}
}

// kill kills the process, as kill -9 does.
func (r *running) kill() {
	_ = r.command.Process.Kill() // it may have ended
	<-r.ended
}

func (r *running) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := r.command.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// A library is a running system, with the keys of people by their names.
type library struct {
	edge, nats, data string
	args             []string // of all processes
	web              string   // the URL of the web page
	keys             map[string]string
	main             *running            // with NATS and Bongsu
	services         map[string]*running // the services of other processes
}

// startLibrary starts a library whose services run in one process, except for those that have one
// of their own.
func startLibrary(t *testing.T, own ...string) *library {
	t.Helper()
	return startLibraryWith(t, nil, own...)
}

// startLibraryWith is startLibrary with further arguments of all processes.
func startLibraryWith(t *testing.T, args []string, own ...string) *library {
	t.Helper()
	l := &library{data: t.TempDir(), args: args, services: map[string]*running{}}
	var here []string
	for _, service := range []string{"product", "delivery", "reservation", "mypage", "web"} {
		if !strings.Contains(strings.Join(own, " "), service) {
			here = append(here, service)
		}
	}
	l.main = start(t, slices.Concat(args, []string{"--services=" + strings.Join(here, ","), "--data=" + l.data, "--bongsu=" + programs.bongsu, "--edge-addr=127.0.0.1:0", "--web-addr=127.0.0.1:0"})...)
	l.nats = l.main.await(t, `"?nats running"? url=(\S+)`)[1]
	for _, service := range own {
		l.restart(t, service)
	}
	ready := l.main.await(t, `the library is ready" web=(\S+) edge=(\S+)`)
	l.web, l.edge = ready[1], ready[2]
	text, err := os.ReadFile(filepath.Join(l.data, "keys.json"))
	if err == nil {
		err = json.Unmarshal(text, &l.keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// restart starts a service in a process of its own.
func (l *library) restart(t *testing.T, service string) {
	t.Helper()
	l.services[service] = l.startReplica(t, service)
}

// startReplica starts another process of a service.
func (l *library) startReplica(t *testing.T, service string) *running {
	t.Helper()
	r := start(t, slices.Concat(l.args, []string{"--services=" + service, "--data=" + l.data, "--nats-url=" + l.nats, "--internal-key-file=" + filepath.Join(l.data, "internal.key")})...)
	r.await(t, "listening")
	return r
}

// call calls a REST path as a person, decodes the response into res, and returns the status.
func (l *library) call(t *testing.T, who, method, path, body string, res any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, l.edge+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+l.keys[who])
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && res != nil && response.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, res)
	}
	if err != nil {
		t.Fatalf("%s %s: %d %s: %v", method, path, response.StatusCode, text, err)
	}
	return response.StatusCode
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) { // another process can only be polled
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}
