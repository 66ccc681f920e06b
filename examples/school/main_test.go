package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/examples/school/seoul"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// patience is the timeout of every wait for another process.
const patience = time.Minute

// programs are the paths of the programs that the tests run.
var programs struct{ school, bongsu string }

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
	dir, err := os.MkdirTemp("", "school-test-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	programs.school, programs.bongsu = filepath.Join(dir, "school"), filepath.Join(dir, "bongsu")
	for path, pkg := range map[string]string{programs.school: ".", programs.bongsu: "github.com/bongsu-project/bongsu/cmd/bongsu"} {
		if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build %s: %w\n%s", pkg, err, out)
		}
	}
	return postgrestest.Run(m, "BONGSU_TEST_POSTGRES"), nil
}

// A running is a process of the school.
type running struct {
	command *exec.Cmd
	ended   chan struct{}

	mu   sync.Mutex
	log  strings.Builder
	news chan struct{} // closed at further output
}

// start starts a program with variables of the environment, and stops it at the end of the test.
func start(t *testing.T, program string, env []string, args ...string) *running {
	t.Helper()
	r := &running{command: exec.Command(program, args...), ended: make(chan struct{}), news: make(chan struct{})}
	r.command.Env = append(os.Environ(), env...)
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
		r.stop(t)
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

// stop ends the process as an operator does.
func (r *running) stop(t *testing.T) {
	t.Helper()
	_ = r.command.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-r.ended:
	case <-time.After(patience):
		t.Error("a process does not stop")
		r.kill()
	}
}

// kill kills the process, as kill -9 does.
func (r *running) kill() {
	_ = r.command.Process.Kill() // it may have ended
	<-r.ended
}

// signal sends a signal. After SIGSTOP it waits until all threads of the process have stopped: until
// then one may still answer a call.
func (r *running) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	err := r.command.Process.Signal(s)
	if s == syscall.SIGSTOP && err == nil {
		_, err = syscall.Wait4(r.command.Process.Pid, nil, syscall.WUNTRACED, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A school is a running system.
type school struct {
	edge, nats, mockup, data string
	main                     *running            // with NATS and Bongsu
	own                      map[string]*running // the services of other processes

	mu     sync.Mutex
	tokens map[string]string // of people who have signed in
}

// behindProxy makes the edge take the address of a client from X-Forwarded-For, so that each request
// of a test may have one of its own.
const behindProxy = "BONGSU_TRUSTED_PROXIES=127.0.0.1"

// startSchool starts a school, with variables of the environment for Bongsu. The services run in one
// process, except for those that have processes of their own: outing, or outing-1 and outing-2.
func startSchool(t *testing.T, env, args []string, own ...string) *school {
	t.Helper()
	s := &school{data: t.TempDir(), own: map[string]*running{}, tokens: map[string]string{}}
	var here []string
	for _, service := range []string{"auth", "outing", "schedule", "club", "announcement"} {
		if !strings.Contains(strings.Join(own, " "), service) {
			here = append(here, service)
		}
	}
	s.main = start(t, programs.school, append([]string{behindProxy}, env...), append([]string{
		"--services=" + strings.Join(here, ","), "--data=" + s.data, "--bongsu=" + programs.bongsu, "--edge-addr=127.0.0.1:0", "--drain=0s",
	}, args...)...)
	s.nats = s.main.await(t, `"?nats running"? url=(\S+)`)[1]
	for _, name := range own {
		s.restart(t, name)
	}
	s.edge = s.main.await(t, `the school is ready" edge=(\S+)`)[1]
	s.mockup = "http://" + s.main.await(t, `"msg":"listening","service":"mockup","addr":"([^"]+)"`)[1]
	return s
}

// restart starts a service in a process of its own.
func (s *school) restart(t *testing.T, name string, args ...string) {
	t.Helper()
	service, _, _ := strings.Cut(name, "-")
	s.own[name] = start(t, programs.school, nil, append([]string{
		"--services=" + service, "--data=" + s.data, "--nats-url=" + s.nats, "--internal-key-file=" + filepath.Join(s.data, "internal.key"), "--drain=0s",
	}, args...)...)
	s.own[name].await(t, "listening")
}

// A request is a request to the edge.
type request struct {
	as           string // the account; empty for none
	token        string // in place of that of an account
	method, path string
	body         string
	header       map[string]string
}

// A response is the response to a request.
type response struct {
	status int
	header http.Header
	body   string
}

// clients counts the addresses of clients.
var clients atomic.Uint32

// nextClient returns an address that no request had before.
func nextClient() string {
	n := clients.Add(1)
	return fmt.Sprintf("198.18.%d.%d", n/250%250, n%250+1)
}

// do sends a request, by default from an address of its own.
func (s *school) do(t *testing.T, r request) response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.method, s.edge+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", nextClient())
	if r.as != "" {
		r.token = s.signIn(t, r.as)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(text)}
}

// signIn returns the token of a person, who signs in once.
func (s *school) signIn(t *testing.T, id string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[id] == "" {
		status, token := s.trySignIn(t, id, seedPassword)
		if status != http.StatusOK {
			t.Fatalf("%s signs in: %d", id, status)
		}
		s.tokens[id] = token
	}
	return s.tokens[id]
}

// trySignIn returns the status of a sign-in, and the access token.
func (s *school) trySignIn(t *testing.T, id, password string) (status int, token string) {
	t.Helper()
	var out struct{ Tokens struct{ AccessToken string } }
	res := s.do(t, request{method: http.MethodPost, path: "/v1/school/sign-in", body: fmt.Sprintf(`{"id":%q,"password":%q}`, id, password)})
	if res.status == http.StatusOK {
		res.decode(t, &out)
	}
	return res.status, out.Tokens.AccessToken
}

func (r response) decode(t *testing.T, out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), out); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
}

// call sends a request as a person, checks the status, and decodes a response into out unless it is
// nil.
func (s *school) call(t *testing.T, as, method, path, body string, status int, out any) {
	t.Helper()
	res := s.do(t, request{as: as, method: method, path: path, body: body})
	if res.status != status {
		t.Fatalf("%s: %s %s %s: %d %s, want %d", as, method, path, body, res.status, res.body, status)
	}
	if out != nil {
		res.decode(t, out)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(100 * time.Millisecond) { // another process can only be polled
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// awaitDay waits until the day in Seoul lasts for some time: an outing is over at midnight.
func awaitDay(t *testing.T, left time.Duration) {
	t.Helper()
	eventually(t, "a new day", func() bool { now := time.Now(); return seoul.Day(now) == seoul.Day(now.Add(left)) })
}
