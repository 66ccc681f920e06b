package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for another process.
const patience = 30 * time.Second

// A process is a running bongsu.
type process struct {
	cmd   *exec.Cmd
	lines chan logLine
	ended chan struct{} // closed when it has exited
	err   error         // of the exit; after ended

	mu  sync.Mutex
	log []byte // all it has logged
}

// A logLine is what it says on stderr.
type logLine struct {
	Msg     string `json:"msg"`
	Service string `json:"service"`
	Addr    string `json:"addr"`
}

// start runs bongsu serve and ends it with the test.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{lines: make(chan logLine, 1000), ended: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(binaries, "bongsu"), append([]string{"serve", "--log-format=json"}, args...)...)
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watch(stderr)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("bongsu serve %q said:\n%s", args, p.said())
		}
	})
	return p
}

// watch reads its log to the end, and then its exit.
func (p *process) watch(stderr io.Reader) {
	scanner := bufio.NewScanner(stderr)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.log = append(append(p.log, scanner.Bytes()...), '\n')
		p.mu.Unlock()
		var line logLine
		if json.Unmarshal(scanner.Bytes(), &line) == nil {
			select {
			case p.lines <- line:
			default:
			}
		}
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.log)
}

// addrs waits until it listens for so many services, and gives their URLs.
func (p *process) addrs(t *testing.T, count int) map[string]string {
	t.Helper()
	urls := map[string]string{}
	timeout := time.After(patience)
	for len(urls) < count {
		select {
		case line := <-p.lines:
			if line.Msg == "listening" {
				urls[line.Service] = "http://" + line.Addr
			}
		case <-p.ended:
			t.Fatalf("it ended before it listened: %v\n%s", p.err, p.said())
		case <-timeout:
			t.Fatalf("it listens for %v only, after %s\n%s", urls, patience, p.said())
		}
	}
	return urls
}

// kill ends it as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

// signal sends it a signal.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// stop asks it to end, waits until it has, and gives its exit.
func (p *process) stop(t *testing.T) error {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	select {
	case <-p.ended:
		return p.err
	case <-time.After(patience):
		t.Fatalf("it has not ended %s after SIGTERM\n%s", patience, p.said())
		return nil
	}
}
